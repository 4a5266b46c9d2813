/** A typed client of the HTTP contract, over fetch. Browser-safe; used by the command line and the web. */
import * as v from 'valibot';
import { ProblemSchema } from './schemas.ts';
import type { Problem } from './schemas.ts';
import { routes } from './routes.ts';
import type { Route, RouteName, Routes } from './routes.ts';

export type ApiErrorCode = 'unreachable' | 'problem' | 'unexpected-response';

/** The server could not be reached, answered with a problem document, or answered something else than the contract says. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiErrorCode;
  readonly problem: Problem | undefined;
  constructor(code: ApiErrorCode, message: string, options: { cause?: unknown; problem?: Problem } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.problem = options.problem;
  }
}

type Input<S> = S extends v.GenericSchema ? v.InferInput<S> : never;
type JsonOutput<S> = S extends v.GenericSchema ? v.InferOutput<S> : Response;
type QueryValue = string | number | undefined;

export interface CallOptions {
  readonly params?: Readonly<Record<string, string | number>>;
  readonly query?: Readonly<Record<string, QueryValue>>;
  readonly signal?: AbortSignal;
  readonly token?: string;
}
type BodyOf<R> = R extends { body: infer B } ? (B extends v.GenericSchema ? Input<B> : BodyInit) : undefined;
type ResponseOf<R> = R extends { response: infer S } ? JsonOutput<S> : never;

/** Calls routes of one centre. JSON responses come back parsed; others as the Response. */
export interface ApiClient {
  call<N extends RouteName>(
    name: N,
    options?: CallOptions & { body?: BodyOf<Routes[N]> },
  ): Promise<ResponseOf<Routes[N]>>;
}

function isSchema(part: v.GenericSchema | { readonly mediaType: string }): part is v.GenericSchema {
  return 'kind' in part;
}

/** The address of a route: parameters and query filled in and encoded. @throws TypeError for a missing parameter. */
export function routeUrl(name: RouteName, options: CallOptions = {}, base = ''): string {
  const route: Route = routes[name];
  const path = route.path.replace(/:([a-z0-9A-Z]+)/g, (_, key: string) => {
    const value = options.params?.[key];
    if (value === undefined) throw new TypeError(`route ${name} needs the parameter ${key}`);
    return encodeURIComponent(String(value));
  });
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(options.query ?? {}))
    if (value !== undefined && value !== '') query.set(key, String(value));
  const search = query.toString();
  return base.replace(/\/$/, '') + path + (search === '' ? '' : `?${search}`);
}

async function problemOf(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const parsed = v.safeParse(ProblemSchema, json);
  if (parsed.success)
    return new ApiError('problem', `${parsed.output.title}: ${parsed.output.detail}`, {
      problem: parsed.output,
    });
  return new ApiError(
    'unexpected-response',
    `the server answered ${response.status} without a problem document`,
  );
}

/** @param base the centre's address, e.g. `http://127.0.0.1:8080`; empty for the page's own. */
export function createApiClient(base: string, fetchFn: typeof fetch = fetch): ApiClient {
  async function call<N extends RouteName>(
    name: N,
    options: CallOptions & { body?: unknown } = {},
  ): Promise<ResponseOf<Routes[N]>> {
    const route: Route = routes[name];
    const headers: Record<string, string> = {};
    if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
    let body: BodyInit | undefined;
    if (route.body !== undefined) {
      if (isSchema(route.body)) {
        headers['content-type'] = 'application/json';
        body = JSON.stringify(options.body);
      } else {
        headers['content-type'] = route.body.mediaType;
        body = options.body as BodyInit;
      }
    }
    const init: RequestInit & { duplex?: 'half' } = { method: route.method, headers };
    if (body !== undefined) init.body = body;
    if (body instanceof ReadableStream) init.duplex = 'half';
    if (options.signal !== undefined) init.signal = options.signal;
    let response: Response;
    try {
      response = await fetchFn(routeUrl(name, options, base), init);
    } catch (cause) {
      if (options.signal?.aborted === true) throw cause;
      throw new ApiError(
        'unreachable',
        `${base === '' ? 'the server' : base} did not answer: ${cause instanceof Error ? cause.message : 'unknown error'}`,
        { cause },
      );
    }
    if (!response.ok) throw await problemOf(response);
    if (!isSchema(route.response)) return response as ResponseOf<Routes[N]>;
    let json: unknown;
    try {
      json = await response.json();
    } catch (cause) {
      throw new ApiError('unexpected-response', `${route.method} ${route.path} did not answer JSON`, {
        cause,
      });
    }
    const parsed = v.safeParse(route.response, json);
    if (!parsed.success) {
      const where = v.getDotPath(parsed.issues[0]) ?? 'the response';
      throw new ApiError(
        'unexpected-response',
        `${route.method} ${route.path} answered outside the contract at ${where}: ${parsed.issues[0].message}`,
      );
    }
    return parsed.output as ResponseOf<Routes[N]>;
  }
  return { call };
}
