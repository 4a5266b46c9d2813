/** How a capability offers its routes without knowing HTTP: it names a route of the contract and gives a handler. http/ implements {@link Router}. */
import type { Readable } from 'node:stream';
import type * as v from 'valibot';
import type { RouteName, Routes } from '@vitrine/api';

type OutputOf<R, K extends string> =
  R extends Record<K, infer S> ? (S extends v.GenericSchema ? v.InferOutput<S> : Readable) : undefined;
type JsonResponse<R> = R extends { response: infer S }
  ? S extends v.GenericSchema
    ? v.InferInput<S>
    : BytesResponse
  : never;

/** A response that is not JSON; its media type is the route's unless given. */
export interface BytesResponse {
  readonly bytes: Uint8Array | string | Readable;
  readonly sizeBytes?: number;
  readonly mediaType?: string;
  /** File name offered to a browser that saves it. */
  readonly fileName?: string;
}

/** What a handler is given: everything parsed by the route's schemas. `caller` is the keyid behind the session token. */
export interface RouteInput<N extends RouteName> {
  readonly params: OutputOf<Routes[N], 'params'>;
  readonly query: OutputOf<Routes[N], 'query'>;
  readonly body: OutputOf<Routes[N], 'body'>;
  readonly caller: Routes[N]['session'] extends true ? string : undefined;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

export interface Router {
  on<N extends RouteName>(name: N, handler: (input: RouteInput<N>) => Promise<JsonResponse<Routes[N]>>): void;
}
