import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DocumentError } from './document-error.ts';
import { DOCUMENT_MAX_BYTES, parseJsonDocument } from './json-document.ts';
import { provenanceCoverage, validateProvenance } from './provenance.ts';
import { validateSbom } from './sbom.ts';

const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

async function refusal(work: () => unknown): Promise<DocumentError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof DocumentError) return error;
    throw error;
  }
  throw new Error('the document was accepted');
}

const cyclonedx = {
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  serialNumber: 'urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79',
  version: 1,
  metadata: {
    timestamp: '2026-01-02T03:04:05Z',
    component: { type: 'application', name: 'app', version: '1.0' },
  },
  components: [
    {
      type: 'library',
      name: 'a',
      version: '1',
      purl: 'pkg:npm/a@1',
      licenses: [{ license: { id: 'MIT' } }],
      components: [{ type: 'library', name: 'inner', version: '1' }],
    },
  ],
};

const spdx = {
  spdxVersion: 'SPDX-2.3',
  dataLicense: 'CC0-1.0',
  SPDXID: 'SPDXRef-DOCUMENT',
  name: 'app',
  documentNamespace: 'https://example.org/spdx/app-1.0',
  creationInfo: { created: '2026-01-02T03:04:05Z', creators: ['Tool: maker-1.0'] },
  packages: [
    {
      SPDXID: 'SPDXRef-a',
      name: 'a',
      downloadLocation: 'NOASSERTION',
      versionInfo: '1',
      checksums: [{ algorithm: 'SHA256', checksumValue: 'a'.repeat(64) }],
      externalRefs: [
        { referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: 'pkg:npm/a@1' },
      ],
    },
  ],
  relationships: [
    { spdxElementId: 'SPDXRef-DOCUMENT', relationshipType: 'DESCRIBES', relatedSpdxElement: 'SPDXRef-a' },
  ],
};

const spdx3 = {
  '@context': 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld',
  '@graph': [
    {
      type: 'CreationInfo',
      '@id': '_:c',
      createdBy: ['https://example.org/me'],
      specVersion: '3.0.1',
      created: '2026-01-02T03:04:05Z',
    },
    {
      type: 'SpdxDocument',
      spdxId: 'https://example.org/d',
      creationInfo: '_:c',
      rootElement: ['https://example.org/p'],
    },
    { type: 'software_Package', spdxId: 'https://example.org/p', creationInfo: '_:c', name: 'p' },
  ],
};

const digest = 'd'.repeat(64);
const provenance = {
  _type: 'https://in-toto.io/Statement/v1',
  subject: [{ name: 'app.tar', digest: { sha256: digest } }],
  predicateType: 'https://slsa.dev/provenance/v1',
  predicate: {
    buildDefinition: { buildType: 'https://example.org/make/v1', externalParameters: { ref: 'v1' } },
    runDetails: {
      builder: { id: 'https://example.org/builder' },
      metadata: { startedOn: '2026-01-02T03:04:05Z' },
    },
  },
};
const dsse = (payload: unknown) => ({
  payloadType: 'application/vnd.in-toto+json',
  payload: bytes(payload).toString('base64'),
  signatures: [{ keyid: '', sig: 'AAAA' }],
});

describe('SBOM', () => {
  it('accepts both formats and counts what they list', async () => {
    expect(await validateSbom(bytes(cyclonedx))).toEqual({
      format: 'cyclonedx',
      specVersion: '1.6',
      components: 2,
    });
    expect(await validateSbom(bytes(spdx))).toEqual({ format: 'spdx', specVersion: '2.3', components: 1 });
    expect(await validateSbom(bytes({ ...spdx, spdxVersion: 'SPDX-2.2' }))).toMatchObject({
      specVersion: '2.2',
    });
    expect(await validateSbom(bytes(spdx3))).toEqual({ format: 'spdx', specVersion: '3.0.1', components: 1 });
  });

  it.each(['1.2', '1.3', '1.4', '1.5', '1.6', '1.7'])('accepts CycloneDX %s', async (specVersion) => {
    const { $schema: _, ...rest } = cyclonedx;
    expect(await validateSbom(bytes({ ...rest, specVersion }))).toMatchObject({ specVersion });
  });

  const [part] = cyclonedx.components;
  const [pkg] = spdx.packages;
  const [creation, document, software] = spdx3['@graph'];
  it.each([
    ['nothing', '', 'not-json', ''],
    ['half a document', JSON.stringify(spdx).slice(0, 200), 'not-json', ''],
    ['XML', '<?xml version="1.0"?><bom/>', 'unknown-format', ''],
    ['an array', [], 'unknown-format', ''],
    ['an object', {}, 'unknown-format', ''],
    ['a tag-value SPDX', 'SPDXVersion: SPDX-2.3', 'not-json', ''],
    ['another bomFormat', { ...cyclonedx, bomFormat: 'Cyclone' }, 'unknown-format', '/bomFormat'],
    ['an unknown version', { ...cyclonedx, specVersion: '9.9' }, 'unsupported-version', '/specVersion'],
    ['no version', { bomFormat: 'CycloneDX' }, 'unsupported-version', '/specVersion'],
    ['a component without a type', { ...cyclonedx, components: [{ name: 'x' }] }, 'schema', '/components/0'],
    [
      'an unknown type',
      { ...cyclonedx, components: [{ ...part, type: 'thing' }] },
      'schema',
      '/components/0/type',
    ],
    ['an unknown member', { ...cyclonedx, surprise: 1 }, 'schema', ''],
    ['a wrong serial number', { ...cyclonedx, serialNumber: 'x' }, 'schema', '/serialNumber'],
    ['another SPDX version', { ...spdx, spdxVersion: 'SPDX-2.9' }, 'unsupported-version', '/spdxVersion'],
    ['another data licence', { ...spdx, dataLicense: 'MIT' }, 'schema', '/dataLicense'],
    ['no namespace', { ...spdx, documentNamespace: undefined }, 'schema', '/documentNamespace'],
    [
      'a package without a name',
      { ...spdx, packages: [{ ...pkg, name: undefined }] },
      'schema',
      '/packages/0/name',
    ],
    ['an unknown package member', { ...spdx, packages: [{ ...pkg, x: 1 }] }, 'schema', '/packages/0/x'],
    [
      'a short checksum',
      { ...spdx, packages: [{ ...pkg, checksums: [{ algorithm: 'SHA256', checksumValue: 'ab' }] }] },
      'schema',
      '/packages/0/checksums/0',
    ],
    ['a package twice', { ...spdx, packages: [pkg, pkg] }, 'inconsistent', '/packages/1/SPDXID'],
    [
      'a relationship to nothing',
      { ...spdx, relationships: [{ ...spdx.relationships[0], relatedSpdxElement: 'SPDXRef-b' }] },
      'inconsistent',
      '/relationships/0/relatedSpdxElement',
    ],
    [
      'an impossible date',
      { ...spdx, creationInfo: { ...spdx.creationInfo, created: '2026-13-02T03:04:05Z' } },
      'schema',
      '/creationInfo/created',
    ],
    ['another context', { ...spdx3, '@context': 'https://example.org' }, 'unsupported-version', '/@context'],
    ['an empty graph', { ...spdx3, '@graph': [] }, 'schema', '/@graph'],
    ['no creation', { ...spdx3, '@graph': [document, software] }, 'schema', '/@graph'],
    ['no document', { ...spdx3, '@graph': [creation, software] }, 'schema', '/@graph'],
    [
      'a package without a name in 3.0',
      { ...spdx3, '@graph': [creation, document, { ...software, name: undefined }] },
      'schema',
      '/@graph/2',
    ],
    [
      'a creation elsewhere',
      { ...spdx3, '@graph': [creation, document, { ...software, creationInfo: '_:x' }] },
      'inconsistent',
      '/@graph/2/creationInfo',
    ],
    ['a member twice', JSON.stringify(spdx).replace('{', '{"name":"other",'), 'duplicate-member', '/name'],
    [
      'a member twice, escaped',
      JSON.stringify(spdx).replace('{', '{"\\u006eame":"other",'),
      'duplicate-member',
      '/name',
    ],
    ['deep nesting', `${'['.repeat(200)}${']'.repeat(200)}`, 'too-deep', '/0'.repeat(128)],
    ['very deep nesting', `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`, 'too-deep', '/0'.repeat(128)],
  ])('refuses %s', async (_, value, code, pointer) => {
    const error = await refusal(() => validateSbom(bytes(value)));
    expect([error.code, error.pointer]).toEqual([code, pointer]);
  });

  it('refuses bytes that are not UTF-8, and too many', async () => {
    expect((await refusal(() => validateSbom(Buffer.of(0x22, 0xff, 0x22)))).code).toBe('not-json');
    expect((await refusal(() => validateSbom(Buffer.alloc(DOCUMENT_MAX_BYTES + 1, 0x20)))).code).toBe(
      'too-large',
    );
  });
});

describe('provenance', () => {
  it('is read plain and in an envelope, with the artifacts that it covers', () => {
    const plain = validateProvenance(bytes(provenance));
    expect(plain).toEqual({
      form: 'statement',
      builderId: 'https://example.org/builder',
      buildType: 'https://example.org/make/v1',
      subjects: [{ name: 'app.tar', sha256: digest }],
      signatures: 0,
    });
    expect(validateProvenance(bytes(dsse(provenance)))).toEqual({ ...plain, form: 'dsse', signatures: 1 });
    const mine = { name: 'a', sha256: digest };
    const other = { name: 'b', sha256: 'e'.repeat(64) };
    expect(provenanceCoverage(plain, [other, mine])).toEqual({ covered: [mine], uncovered: [other] });
  });

  const { predicate } = provenance;
  it.each([
    [
      'another predicate type',
      { ...provenance, predicateType: 'https://slsa.dev/provenance/v0.2' },
      '/predicateType',
    ],
    ['another statement type', { ...provenance, _type: 'https://in-toto.io/Statement/v0.1' }, '/_type'],
    ['no subject', { ...provenance, subject: [] }, '/subject'],
    [
      'a subject without a digest',
      { ...provenance, subject: [{ name: 'x', digest: {} }] },
      '/subject/0/digest',
    ],
    [
      'a digest in capitals',
      { ...provenance, subject: [{ digest: { sha256: 'D'.repeat(64) } }] },
      '/subject/0/digest',
    ],
    [
      'no builder',
      { ...provenance, predicate: { ...predicate, runDetails: {} } },
      '/predicate/runDetails/builder',
    ],
    [
      'a builder that is no URI',
      { ...provenance, predicate: { ...predicate, runDetails: { builder: { id: 'me' } } } },
      '/predicate/runDetails/builder/id',
    ],
    [
      'no build definition',
      { ...provenance, predicate: { runDetails: predicate.runDetails } },
      '/predicate/buildDefinition',
    ],
    ['an envelope without signatures', { ...dsse(provenance), signatures: [] }, '/signatures'],
    ['an envelope of something else', { ...dsse(provenance), payloadType: 'text/plain' }, '/payloadType'],
    ['an envelope that is not base64', { ...dsse(provenance), payload: '!' }, '/payload'],
    ['an envelope of another statement', dsse({ ...provenance, subject: [] }), '/subject'],
  ])('is refused with %s', async (_, value, pointer) => {
    const error = await refusal(() => validateProvenance(bytes(value)));
    expect([error.code, error.pointer]).toEqual(['schema', pointer]);
  });

  it('is refused as a bundle', async () => {
    expect((await refusal(() => validateProvenance(bytes({ dsseEnvelope: dsse(provenance) })))).code).toBe(
      'unknown-format',
    );
  });
});

it('any JSON is read as JSON.parse reads it, and is refused only as no document', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 8 }), async (value) => {
      expect(parseJsonDocument(bytes(JSON.stringify(value)))).toEqual(JSON.parse(JSON.stringify(value)));
      await refusal(() => validateSbom(bytes(JSON.stringify(value))));
      await refusal(() => validateProvenance(bytes(JSON.stringify(value))));
    }),
    { numRuns: process.env['VITRINE_SOAK'] === undefined ? 200 : 10_000 },
  );
});
