/** The OpenAPI 3.1 document, generated from the route table that the server validates with. */
import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { ProblemSchema, routes } from '@vitrine/api';
import type { Route } from '@vitrine/api';

interface JsonObject {
  [key: string]: unknown;
}

function schemaOf(schema: v.GenericSchema): JsonObject {
  // `ignore`: a transformation (digits → number) has no JSON Schema; the input side is what a caller sees.
  const { $schema: _, ...rest } = toJsonSchema(schema, {
    typeMode: 'input',
    errorMode: 'ignore',
    // What recurses is any JSON: as a definition of this schema alone it would be referred to from the top of the document.
    overrideSchema: ({ valibotSchema }) => (valibotSchema.type === 'lazy' ? {} : undefined),
  });
  return rest;
}

function isSchema(part: v.GenericSchema | { readonly mediaType: string }): part is v.GenericSchema {
  return 'kind' in part;
}

function contentOf(part: v.GenericSchema | { readonly mediaType: string }): JsonObject {
  return isSchema(part)
    ? { 'application/json': { schema: schemaOf(part) } }
    : { [part.mediaType]: { schema: { type: 'string', format: 'binary' } } };
}

function parametersOf(schema: Route['params'], place: 'path' | 'query'): JsonObject[] {
  if (schema === undefined) return [];
  return Object.entries(schema.entries).map(([name, entry]) => ({
    name,
    in: place,
    required: place === 'path' || entry.type !== 'optional',
    schema: schemaOf(entry),
  }));
}

/** Builds the document for this version of the server. */
export function openApiDocument(version: string): JsonObject {
  const paths: Record<string, JsonObject> = {};
  for (const [name, entry] of Object.entries(routes)) {
    const route: Route = entry;
    const path = route.path.replace(/:([a-zA-Z0-9]+)/g, '{$1}');
    const operation = {
      operationId: name,
      summary: route.summary,
      parameters: [...parametersOf(route.params, 'path'), ...parametersOf(route.query, 'query')],
      ...(route.body === undefined
        ? {}
        : { requestBody: { required: true, content: contentOf(route.body) } }),
      ...(route.session ? { security: [{ session: [] }] } : {}),
      ...(route.secret === true ? { security: [{ secret: [] }] } : {}),
      responses: {
        [route.status ?? 200]: { description: 'As asked', content: contentOf(route.response) },
        default: {
          description: 'A problem document (RFC 9457)',
          content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
        },
      },
    };
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation };
  }
  Object.assign(paths, logPaths());
  return {
    openapi: '3.1.0',
    info: { title: 'Vitrine', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      schemas: { Problem: schemaOf(ProblemSchema) },
      securitySchemes: {
        session: { type: 'http', scheme: 'bearer' },
        secret: { type: 'http', scheme: 'bearer', description: 'The secret that came with the watch' },
      },
    },
  };
}

/** The addresses that are not JSON routes: the logs in tlog-tiles layout, health and metrics. */
function logPaths(): Record<string, JsonObject> {
  const log = { name: 'log', in: 'path', required: true, schema: { type: 'string' } };
  const bytes = { content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } };
  const text = { content: { 'text/plain': { schema: { type: 'string' } } } };
  const answer = (summary: string, parameters: JsonObject[], response: JsonObject): JsonObject => ({
    get: { summary, parameters, responses: { 200: { description: 'As asked', ...response } } },
  });
  const add = (summary: string): JsonObject => ({
    post: {
      summary,
      parameters: [log],
      requestBody: { required: true, ...bytes },
      responses: { 200: { description: 'Durable', ...text } },
    },
  });
  const rest = {
    name: 'path',
    in: 'path',
    required: true,
    schema: { type: 'string' },
    description: 'C2SP tlog-tiles path',
  };
  return {
    '/logs/{log}/checkpoint': answer('The published checkpoint (C2SP tlog-checkpoint)', [log], text),
    '/logs/{log}/tile/{path}': answer('A tile or entry bundle (C2SP tlog-tiles)', [log, rest], bytes),
    '/logs/{log}/add': add(
      'Add one entry (raw bytes) to an open log; answers its index in decimal once durable',
    ),
    '/logs/{log}/add-batch': add(
      'Add entries (entry-bundle framing) to an open log; answers one index a line once durable',
    ),
    '/healthz': answer('200 while every log can be written, else 503', [], text),
    '/metrics': answer('Prometheus metrics', [], text),
  };
}
