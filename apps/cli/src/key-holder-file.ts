/** Files that say who stands behind a key. The keys log only commits to one: whoever is shown the file checks it against the log. */
import { commitmentTo, MAX_KEY_HOLDER_BYTES, parseKeyHolder, StatementError } from '@vitrine/statements';
import { couldNotRun } from './failure.ts';
import { readBounded } from './local-file.ts';

export interface ReadHolder {
  /** Who it is, in words. */
  readonly holder: string;
  /** Hex SHA-256 of the file, as a key-add says it. */
  readonly commitment: string;
}

/** @throws Failure that says what the file is instead */
export async function readHolder(file: string): Promise<ReadHolder> {
  const bytes = await readBounded(file, MAX_KEY_HOLDER_BYTES);
  try {
    const parsed = parseKeyHolder(bytes);
    return { holder: parsed.holder, commitment: commitmentTo(parsed) };
  } catch (cause) {
    if (!(cause instanceof StatementError)) throw cause;
    throw couldNotRun(
      `${file} is not the holder of a key: ${cause.message}. Make one: vitrine keys holder`,
      cause,
    );
  }
}
