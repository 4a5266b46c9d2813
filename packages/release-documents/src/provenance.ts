/** Build provenance: SLSA v1 (slsa.dev/spec/v1.0/provenance) in an in-toto Statement v1, plain or in a DSSE envelope. */
import * as v from 'valibot';
import { DocumentError } from './document-error.ts';
import { parseJsonDocument } from './json-document.ts';
import { checkSchema } from './schema-check.ts';

export interface ProvenanceSubject {
  readonly name: string | undefined;
  /** Lower-case hex; undefined when the subject is named by other digests only. */
  readonly sha256: string | undefined;
}

export interface ProvenanceSummary {
  readonly form: 'statement' | 'dsse';
  readonly builderId: string;
  readonly buildType: string;
  readonly subjects: readonly ProvenanceSubject[];
  /** How many signatures the envelope carries; none is verified here, since whose key a builder has is not ours to say. */
  readonly signatures: number;
}

export const PROVENANCE_TYPE = 'https://slsa.dev/provenance/v1';

const uri = v.pipe(
  v.string(),
  v.check((value) => URL.canParse(value), 'it is a URI'),
);
const digestSet = v.pipe(
  v.record(v.pipe(v.string(), v.minLength(1)), v.pipe(v.string(), v.minLength(1))),
  v.check((digests) => Object.keys(digests).length > 0, 'a subject has a digest'),
  v.check(
    ({ sha256 }) => sha256 === undefined || /^[0-9a-f]{64}$/.test(sha256),
    'sha256 is 64 lower-case hex digits',
  ),
);
const resource = v.looseObject({
  name: v.exactOptional(v.string()),
  uri: v.exactOptional(v.string()),
  digest: v.exactOptional(v.record(v.string(), v.string())),
});
const time = v.pipe(v.string(), v.isoTimestamp('a time is RFC 3339'));

// Members that are not known are left alone: the format asks consumers to ignore them.
const statement = v.looseObject({
  _type: v.literal('https://in-toto.io/Statement/v1', '_type is https://in-toto.io/Statement/v1'),
  subject: v.pipe(
    v.array(v.looseObject({ name: v.exactOptional(v.string()), digest: digestSet })),
    v.minLength(1, 'it has no subject'),
  ),
  predicateType: v.literal(PROVENANCE_TYPE, `predicateType is ${PROVENANCE_TYPE}`),
  predicate: v.looseObject({
    buildDefinition: v.looseObject({
      buildType: uri,
      externalParameters: v.looseObject({}),
      internalParameters: v.exactOptional(v.looseObject({})),
      resolvedDependencies: v.exactOptional(v.array(resource)),
    }),
    runDetails: v.looseObject({
      builder: v.looseObject({
        id: uri,
        version: v.exactOptional(v.record(v.string(), v.string())),
        builderDependencies: v.exactOptional(v.array(resource)),
      }),
      metadata: v.exactOptional(
        v.looseObject({
          invocationId: v.exactOptional(v.string()),
          startedOn: v.exactOptional(time),
          finishedOn: v.exactOptional(time),
        }),
      ),
      byproducts: v.exactOptional(v.array(resource)),
    }),
  }),
});

// DSSE, envelope.md: base64 is either the standard or the URL-safe alphabet.
const base64 = v.pipe(v.string(), v.regex(/^[A-Za-z0-9+/_-]*={0,2}$/, 'it is base64'));
const envelope = v.looseObject({
  payloadType: v.literal('application/vnd.in-toto+json', 'payloadType is application/vnd.in-toto+json'),
  payload: base64,
  signatures: v.pipe(
    v.array(v.looseObject({ sig: base64 })),
    v.minLength(1, 'the envelope has no signature'),
  ),
});

/**
 * Checks provenance.
 * @throws DocumentError with a pointer to what is wrong (into the payload, for a DSSE envelope)
 */
export function validateProvenance(bytes: Uint8Array): ProvenanceSummary {
  const value = parseJsonDocument(bytes);
  if (v.is(v.looseObject({ dsseEnvelope: v.unknown() }), value))
    throw new DocumentError(
      'unknown-format',
      'the document is a Sigstore bundle; give its dsseEnvelope',
      '/dsseEnvelope',
    );
  if (v.is(v.looseObject({ payload: v.unknown() }), value)) {
    const { payload, signatures } = checkSchema(envelope, value, 'a DSSE envelope');
    const inner = parseJsonDocument(Buffer.from(payload, 'base64'));
    return { ...summaryOf(inner), form: 'dsse', signatures: signatures.length };
  }
  return { ...summaryOf(value), form: 'statement', signatures: 0 };
}

function summaryOf(value: unknown): Omit<ProvenanceSummary, 'form' | 'signatures'> {
  const { subject, predicate } = checkSchema(statement, value, 'SLSA v1 provenance');
  return {
    builderId: predicate.runDetails.builder.id,
    buildType: predicate.buildDefinition.buildType,
    subjects: subject.map(({ name, digest }) => ({ name, sha256: digest['sha256'] })),
  };
}

/** Which of a release's artifacts are subjects of the provenance, by SHA-256; both lists keep the artifacts' order. */
export function provenanceCoverage<A extends { readonly sha256: string }>(
  provenance: ProvenanceSummary,
  artifacts: readonly A[],
): { covered: A[]; uncovered: A[] } {
  const subjects = new Set(provenance.subjects.map(({ sha256 }) => sha256));
  return {
    covered: artifacts.filter(({ sha256 }) => subjects.has(sha256)),
    uncovered: artifacts.filter(({ sha256 }) => !subjects.has(sha256)),
  };
}
