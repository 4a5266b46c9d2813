/** How a witness is reached: C2SP tlog-witness over HTTP. */

/** An answer, whatever its status; the body is short. */
export interface WitnessAnswer {
  readonly status: number;
  readonly body: Uint8Array;
}

export interface WitnessTransport {
  /** POST <url>/add-checkpoint. Rejects when there is no whole answer in time, with what went wrong. */
  addCheckpoint(url: string, body: string, signal: AbortSignal): Promise<WitnessAnswer>;
  /** GET <url>/<originHash>/checkpoint; `originHash`: hex SHA-256 of the origin. Rejects as `addCheckpoint`. */
  latestCheckpoint(url: string, originHash: string, signal: AbortSignal): Promise<WitnessAnswer>;
}

/** Longer than any answer of a witness that signs with a few keys, and than any checkpoint that one holds. */
const MAX_ANSWER_BYTES = 256 * 1024;

export const httpWitnessTransport: WitnessTransport = {
  addCheckpoint: (url, body, signal) =>
    exchange(`${url}/add-checkpoint`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/octet-stream' },
      signal,
    }),
  latestCheckpoint: (url, originHash, signal) => exchange(`${url}/${originHash}/checkpoint`, { signal }),
};

async function exchange(url: string, request: RequestInit): Promise<WitnessAnswer> {
  let response: Response;
  try {
    // What a witness is asked is asked of it alone.
    response = await fetch(url, { ...request, redirect: 'error' });
  } catch (cause) {
    throw new Error(`it cannot be reached: ${reasonOf(cause)}`, { cause });
  }
  return { status: response.status, body: await readBody(response) };
}

async function readBody(response: Response): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    const body: AsyncIterable<Uint8Array> | null = response.body;
    for await (const part of body ?? []) {
      sizeBytes += part.length;
      if (sizeBytes > MAX_ANSWER_BYTES)
        throw new Error(`its answer is longer than ${MAX_ANSWER_BYTES} bytes`);
      parts.push(part);
    }
  } catch (cause) {
    throw new Error(`its answer did not arrive: ${reasonOf(cause)}`, { cause });
  }
  return Buffer.concat(parts);
}

/** fetch says "fetch failed" and keeps the reason one level down. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}
