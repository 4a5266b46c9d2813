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
  /** Of what is sent. */
  readonly sizeBytes?: number;
  /** When it is a part: where in the whole it begins, and the size of that. `sizeBytes` must then be given. */
  readonly part?: { readonly start: number; readonly wholeBytes: number };
  readonly mediaType?: string;
  /** File name offered to a browser that saves it. */
  readonly fileName?: string;
  /** An entity tag, in its quotes (RFC 9110, section 8.8.3): a client that has these bytes is not sent them again. */
  readonly etag?: string;
}

/** What a handler is given: everything parsed by the route's schemas. `caller` is the keyid behind the session token. */
export interface RouteInput<N extends RouteName> {
  readonly params: OutputOf<Routes[N], 'params'>;
  readonly query: OutputOf<Routes[N], 'query'>;
  readonly body: OutputOf<Routes[N], 'body'>;
  readonly caller: Routes[N]['session'] extends true ? string : undefined;
  /** The token of Authorization: Bearer as it came, where the route takes a secret; undefined where none came. */
  readonly secret: Routes[N] extends { secret: true } ? string | undefined : undefined;
  /** The network address from which the request came: of a reverse proxy, where one stands before this centre. */
  readonly from: string;
  /** What of the response is asked for (RFC 9110, section 14.1.2), `end` exclusive; who answers with the whole ignores it. */
  readonly range: { readonly start: number; readonly end: number | undefined } | undefined;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
}

export interface Router {
  on<N extends RouteName>(name: N, handler: (input: RouteInput<N>) => Promise<JsonResponse<Routes[N]>>): void;
}
