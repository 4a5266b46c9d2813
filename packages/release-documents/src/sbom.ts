/** Software bills of materials: which format, whether it keeps to it, how much it lists. */
import * as v from 'valibot';
import { checkCycloneDx } from './cyclonedx.ts';
import { DocumentError } from './document-error.ts';
import { parseJsonDocument } from './json-document.ts';
import { checkSpdx2 } from './spdx-2.ts';
import { checkSpdx3 } from './spdx-3.ts';

export interface SbomSummary {
  readonly format: 'cyclonedx' | 'spdx';
  /** For example `1.6` or `2.3`. */
  readonly specVersion: string;
  /** How many components (CycloneDX, nested ones too) or packages (SPDX) it lists. */
  readonly components: number;
}

/**
 * Checks an SBOM in JSON: CycloneDX 1.2 to 1.7, SPDX 2.2, 2.3 and 3.0.
 * @throws DocumentError with a pointer to what is wrong
 */
export async function validateSbom(bytes: Uint8Array): Promise<SbomSummary> {
  const value = parseJsonDocument(bytes);
  const has = (member: string) =>
    v.is(v.looseObject({ [member]: v.unknown() }), value) && !Array.isArray(value);
  if (v.is(v.looseObject({ bomFormat: v.literal('CycloneDX') }), value))
    return { format: 'cyclonedx', ...(await checkCycloneDx(bytes, value)) };
  if (has('bomFormat'))
    throw new DocumentError('unknown-format', 'bomFormat is not "CycloneDX"', '/bomFormat');
  if (has('spdxVersion')) return { format: 'spdx', ...checkSpdx2(value) };
  if (has('@context')) return { format: 'spdx', ...checkSpdx3(value) };
  throw new DocumentError(
    'unknown-format',
    'the document is neither CycloneDX (bomFormat) nor SPDX (spdxVersion, or @context of 3.0)',
  );
}
