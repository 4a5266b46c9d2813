/** CycloneDX JSON, checked with the official schemas of OWASP's own library. */
import { Version } from '@cyclonedx/cyclonedx-library/Spec';
import { JsonValidator } from '@cyclonedx/cyclonedx-library/Validation';
import * as v from 'valibot';
import { DocumentError } from './document-error.ts';

const versions = new Map<string, Version>(
  [Version.v1dot2, Version.v1dot3, Version.v1dot4, Version.v1dot5, Version.v1dot6, Version.v1dot7].map(
    (version) => [version, version],
  ),
);
const validators = new Map<Version, JsonValidator>();

const complaint = v.object({
  instancePath: v.string(),
  keyword: v.string(),
  message: v.optional(v.string(), 'is refused by the schema'),
  params: v.optional(v.record(v.string(), v.unknown()), {}),
});

const nested = v.object({ components: v.optional(v.array(v.unknown()), []) });

/**
 * @param bytes the document, as it was parsed to `value`
 * @throws DocumentError unsupported-version | schema
 */
export async function checkCycloneDx(
  bytes: Uint8Array,
  value: unknown,
): Promise<{ specVersion: string; components: number }> {
  const { specVersion } = v.parse(v.object({ specVersion: v.optional(v.unknown()) }), value);
  const version = typeof specVersion === 'string' ? versions.get(specVersion) : undefined;
  if (version === undefined)
    throw new DocumentError(
      'unsupported-version',
      `CycloneDX ${typeof specVersion === 'string' ? JSON.stringify(specVersion) : 'without a version'} is not one of ${[...versions.keys()].join(', ')}`,
      '/specVersion',
    );
  const validator = validators.get(version) ?? new JsonValidator(version);
  validators.set(version, validator);
  const refused: unknown = await validator.validate(new TextDecoder().decode(bytes));
  if (refused !== null) throw refusal(version, refused);
  return { specVersion: version, components: countComponents(value) };
}

/** The schema nests alternatives: the deepest complaint is the one that says what is wrong. */
function refusal(version: string, refused: unknown): DocumentError {
  const complaints = v.safeParse(v.array(complaint), refused);
  const deepest = complaints.success
    ? complaints.output.reduce<v.InferOutput<typeof complaint> | undefined>(
        (best, one) =>
          best === undefined || one.instancePath.length > best.instancePath.length ? one : best,
        undefined,
      )
    : undefined;
  if (deepest === undefined)
    return new DocumentError('schema', `not CycloneDX ${version}`, '', { cause: refused });
  const { additionalProperty, allowedValues, allowedValue } = deepest.params;
  const detail = additionalProperty ?? allowedValues ?? allowedValue;
  const shown = detail === undefined ? '' : ` (${JSON.stringify(detail).slice(0, 200)})`;
  return new DocumentError(
    'schema',
    `not CycloneDX ${version}: ${deepest.message}${shown}`,
    deepest.instancePath,
    {
      cause: refused,
    },
  );
}

function countComponents(value: unknown): number {
  const parsed = v.safeParse(nested, value);
  if (!parsed.success) return 0;
  return parsed.output.components.reduce<number>(
    (count, component) => count + 1 + countComponents(component),
    0,
  );
}
