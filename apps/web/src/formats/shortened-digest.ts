/** The first ten and last six of a long digest; all of a short one. */
export function shortenDigest(digest: string): string {
  return digest.length <= 20 ? digest : `${digest.slice(0, 10)}…${digest.slice(-6)}`;
}
