/** A text as one word of a POSIX shell: names of files come from strangers and are pasted into terminals. */
export function shellQuote(text: string): string {
  const plain = /^[A-Za-z0-9._/+:@%][A-Za-z0-9._/+:@%-]*$/.test(text);
  return plain ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
