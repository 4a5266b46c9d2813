/** SPDX 3.0 in JSON-LD: the part of the model that makes it an SBOM. spdx.github.io/spdx-spec/v3.0.1, "Core" and "Software". */
import * as v from 'valibot';
import { DocumentError } from './document-error.ts';
import { checkSchema } from './schema-check.ts';

const contextForm = /^https:\/\/spdx\.org\/rdf\/(3\.0\.\d+)\/spdx-context\.jsonld$/;

const node = v.looseObject({
  type: v.pipe(v.string(), v.minLength(1)),
  '@id': v.exactOptional(v.string()),
  spdxId: v.exactOptional(v.string()),
  creationInfo: v.exactOptional(v.union([v.string(), v.looseObject({ type: v.literal('CreationInfo') })])),
});
const graph = v.object({ '@graph': v.pipe(v.array(node), v.minLength(1, 'the graph is empty')) });

const creationInfo = v.looseObject({
  specVersion: v.pipe(v.string(), v.regex(/^3\.0\.\d+$/, 'the specVersion is 3.0.N')),
  created: v.pipe(
    v.string(),
    v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/, 'a time is YYYY-MM-DDThh:mm:ssZ'),
  ),
  createdBy: v.pipe(v.array(v.unknown()), v.minLength(1, 'somebody created it')),
});
const spdxDocument = v.looseObject({
  spdxId: v.string(),
  rootElement: v.pipe(v.array(v.string()), v.minLength(1, 'a document has a root element')),
});
const softwarePackage = v.looseObject({ spdxId: v.string(), name: v.string() });

/** @throws DocumentError unsupported-version | schema | inconsistent */
export function checkSpdx3(value: unknown): { specVersion: string; components: number } {
  const context = v.parse(v.object({ '@context': v.unknown() }), value)['@context'];
  const contexts = Array.isArray(context) ? context.map(String) : [String(context)];
  const specVersion = contexts.map((one) => contextForm.exec(one)?.[1]).find((one) => one !== undefined);
  if (specVersion === undefined)
    throw new DocumentError('unsupported-version', 'the context is not that of SPDX 3.0', '/@context');
  const nodes = checkSchema(graph, value, `SPDX ${specVersion}`)['@graph'];
  const ids = new Set<string>();
  for (const [index, one] of nodes.entries()) {
    const id = one.spdxId ?? one['@id'];
    if (id === undefined) continue;
    if (ids.has(id))
      throw new DocumentError('inconsistent', `the id ${id} is given twice`, `/@graph/${index}`);
    ids.add(id);
  }
  const check = (type: string, schema: v.GenericSchema): number => {
    let count = 0;
    for (const [index, one] of nodes.entries()) {
      if (one.type !== type) continue;
      count++;
      try {
        checkSchema(schema, one, `a ${type} of SPDX ${specVersion}`);
      } catch (cause) {
        if (!(cause instanceof DocumentError)) throw cause;
        throw new DocumentError(cause.code, cause.message, `/@graph/${index}`, { cause });
      }
    }
    return count;
  };
  if (check('CreationInfo', creationInfo) === 0)
    throw new DocumentError('schema', 'the graph has no CreationInfo', '/@graph');
  if (check('SpdxDocument', spdxDocument) !== 1)
    throw new DocumentError('schema', 'the graph has not exactly one SpdxDocument', '/@graph');
  for (const [index, one] of nodes.entries())
    if (typeof one.creationInfo === 'string' && !ids.has(one.creationInfo))
      throw new DocumentError(
        'inconsistent',
        `the graph has no ${one.creationInfo}`,
        `/@graph/${index}/creationInfo`,
      );
  return { specVersion, components: check('software_Package', softwarePackage) };
}
