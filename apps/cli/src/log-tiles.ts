/** A log of statements read from its tiles: c2sp.org/tlog-tiles. What it reads is as the server says it; who believes nothing verifies it. */
import { ApiError } from '@vitrine/api';
import { MAX_LEAF_BYTES } from '@vitrine/statements';
import {
  bundlesOfTree,
  type Checkpoint,
  formatBundlePath,
  MAX_NOTE_BYTES,
  parseCheckpoint,
  parseEntryBundle,
  parseNote,
  TILE_WIDTH,
  TlogError,
} from '@vitrine/tlog';
import { patiently } from './centre-connection.ts';
import { readBody } from './evidence-source.ts';
import { refused } from './failure.ts';

const REQUEST_TIMEOUT_MS = 60_000;
/** Of a log of statements, whose leaves are small. */
const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + MAX_LEAF_BYTES);

/** What is waited for: a server that is busy, or also one that does not answer at all. */
export type Patience = 'busy' | 'busy or away';

/** One log of statements of one centre. */
export interface LogTiles {
  /** The centre's address. */
  readonly server: string;
  /** The log's name there, as in `/logs/<name>/`. */
  readonly log: string;
  readonly onWait: (reason: string) => void;
  /** 'busy or away' unless given. */
  readonly patience?: Patience;
}

/** A checkpoint whose signatures have not been verified. */
export interface ServedCheckpoint {
  readonly note: string;
  readonly checkpoint: Checkpoint;
}

/** The newest published checkpoint. @throws Failure, ApiError */
export async function readCheckpoint(tiles: LogTiles): Promise<ServedCheckpoint> {
  const bytes = await read(tiles, 'checkpoint', MAX_NOTE_BYTES);
  if (bytes === undefined) throw refused(`${tiles.server} has no log “${tiles.log}”`);
  return parsing(tiles, 'checkpoint', () => {
    const note = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { note, checkpoint: parseCheckpoint(parseNote(note).text) };
  });
}

/** The leaves from an index on, in order, of the tree of this size. @throws Failure, ApiError */
export async function* readLeaves(
  tiles: LogTiles,
  treeSize: number,
  fromIndex = 0,
): AsyncGenerator<{ readonly leafIndex: number; readonly leaf: Uint8Array }> {
  for (const { index, width } of bundlesOfTree(treeSize, fromIndex)) {
    const leaves = await readBundle(tiles, index, width);
    for (const [at, leaf] of leaves.entries()) {
      const leafIndex = index * TILE_WIDTH + at;
      if (leafIndex >= fromIndex) yield { leafIndex, leaf };
    }
  }
}

async function readBundle(tiles: LogTiles, index: number, width: number): Promise<readonly Uint8Array[]> {
  const path = formatBundlePath({ index, width });
  const bytes = await read(tiles, path, MAX_BUNDLE_BYTES);
  if (bytes !== undefined) return parsing(tiles, path, () => parseEntryBundle(bytes, width));
  // A partial bundle may be gone once the full one is there (tlog-tiles, "Partial tiles").
  const full = formatBundlePath({ index, width: TILE_WIDTH });
  const whole = width === TILE_WIDTH ? undefined : await read(tiles, full, MAX_BUNDLE_BYTES);
  if (whole === undefined)
    throw refused(
      `${tiles.server} does not serve ${path} of the log “${tiles.log}”, which its checkpoint covers`,
    );
  return parsing(tiles, full, () => parseEntryBundle(whole, TILE_WIDTH).slice(0, width));
}

/** @returns undefined when it is not there */
async function read(
  { server, log, onWait, patience = 'busy or away' }: LogTiles,
  path: string,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const url = `${server.replace(/\/$/, '')}/logs/${log}/${path}`;
  return patiently(
    async () => {
      let response: Response;
      let bytes: Uint8Array;
      try {
        response = await fetch(url, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
        bytes = await readBody(response, maxBytes);
      } catch (cause) {
        throw new ApiError('unreachable', `${url} did not answer`, { cause });
      }
      if (response.status === 404) return undefined;
      if (!response.ok) throw answeredBy(url, response.status);
      return bytes;
    },
    onWait,
    patience,
  );
}

function parsing<T>({ server, log }: LogTiles, path: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    if (!(cause instanceof TlogError) && !(cause instanceof TypeError)) throw cause;
    throw refused(
      `what ${server} serves as ${path} of the log “${log}” is malformed: ${cause.message}`,
      cause,
    );
  }
}

/** A bare status as a problem (RFC 9457, section 4.2.1). */
function answeredBy(url: string, status: number): ApiError {
  const title = `${url} answered ${status}`;
  if (status === 502 || status === 504) return new ApiError('unreachable', title);
  return new ApiError('problem', title, {
    problem: { type: 'about:blank', title, status, code: `http-${status}`, detail: '' },
  });
}
