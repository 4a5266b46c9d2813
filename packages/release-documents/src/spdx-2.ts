/** SPDX 2.2 and 2.3 in JSON. Written after the specification (spdx.github.io/spdx-spec/v2.3, clauses 6 to 13); members that it does not know are refused. */
import * as v from 'valibot';
import { DocumentError } from './document-error.ts';
import { checkSchema } from './schema-check.ts';

const text = v.string();
const texts = v.array(text);
const optionalText = v.exactOptional(text);
const optionalTexts = v.exactOptional(texts);

const spdxId = v.pipe(
  text,
  v.regex(/^SPDXRef-[A-Za-z0-9.+-]+$/, 'an SPDXID is SPDXRef- and letters, digits, . and -'),
);
const instant = v.pipe(
  text,
  v.regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/, 'a time is YYYY-MM-DDThh:mm:ssZ'),
  v.check((value) => !Number.isNaN(Date.parse(value)), 'there is no such time'),
);
const optionalInstant = v.exactOptional(instant);

const annotations = v.exactOptional(
  v.array(
    v.strictObject({
      annotationDate: instant,
      annotationType: v.picklist(['OTHER', 'REVIEW']),
      annotator: text,
      comment: text,
    }),
  ),
);

const digestLengths = {
  SHA1: 40,
  SHA224: 56,
  SHA256: 64,
  SHA384: 96,
  SHA512: 128,
  'SHA3-256': 64,
  'SHA3-384': 96,
  'SHA3-512': 128,
  'BLAKE2b-256': 64,
  'BLAKE2b-384': 96,
  'BLAKE2b-512': 128,
  BLAKE3: undefined,
  MD2: 32,
  MD4: 32,
  MD5: 32,
  MD6: undefined,
  ADLER32: 8,
} as const;
const checksum = v.pipe(
  v.strictObject({
    algorithm: v.picklist(Object.keys(digestLengths) as (keyof typeof digestLengths)[]),
    checksumValue: v.pipe(text, v.regex(/^[0-9a-fA-F]+$/, 'a checksum is hexadecimal')),
  }),
  v.check(
    ({ algorithm, checksumValue }) =>
      (digestLengths[algorithm] ?? checksumValue.length) === checksumValue.length,
    'the checksum has not the length of its algorithm',
  ),
);

const externalRef = v.strictObject({
  comment: optionalText,
  // 2.2 wrote an underscore where 2.3 writes a hyphen.
  referenceCategory: v.picklist([
    'OTHER',
    'PERSISTENT-ID',
    'PERSISTENT_ID',
    'SECURITY',
    'PACKAGE-MANAGER',
    'PACKAGE_MANAGER',
  ]),
  referenceLocator: text,
  referenceType: text,
});

const pkg = v.strictObject({
  SPDXID: spdxId,
  annotations,
  attributionTexts: optionalTexts,
  builtDate: optionalInstant,
  checksums: v.exactOptional(v.array(checksum)),
  comment: optionalText,
  copyrightText: optionalText,
  description: optionalText,
  downloadLocation: text,
  externalRefs: v.exactOptional(v.array(externalRef)),
  filesAnalyzed: v.exactOptional(v.boolean()),
  hasFiles: optionalTexts,
  homepage: optionalText,
  licenseComments: optionalText,
  licenseConcluded: optionalText,
  licenseDeclared: optionalText,
  licenseInfoFromFiles: optionalTexts,
  name: text,
  originator: optionalText,
  packageFileName: optionalText,
  packageVerificationCode: v.exactOptional(
    v.strictObject({
      packageVerificationCodeExcludedFiles: optionalTexts,
      packageVerificationCodeValue: text,
    }),
  ),
  primaryPackagePurpose: v.exactOptional(
    v.picklist([
      'OTHER',
      'INSTALL',
      'ARCHIVE',
      'FIRMWARE',
      'APPLICATION',
      'FRAMEWORK',
      'LIBRARY',
      'CONTAINER',
      'SOURCE',
      'DEVICE',
      'OPERATING_SYSTEM',
      'OPERATING-SYSTEM',
      'FILE',
    ]),
  ),
  releaseDate: optionalInstant,
  sourceInfo: optionalText,
  summary: optionalText,
  supplier: optionalText,
  validUntilDate: optionalInstant,
  versionInfo: optionalText,
});

const file = v.strictObject({
  SPDXID: spdxId,
  annotations,
  artifactOfs: v.exactOptional(v.array(v.looseObject({}))),
  attributionTexts: optionalTexts,
  checksums: v.pipe(v.array(checksum), v.minLength(1, 'a file has a checksum')),
  comment: optionalText,
  copyrightText: optionalText,
  fileContributors: optionalTexts,
  fileDependencies: optionalTexts,
  fileName: text,
  fileTypes: v.exactOptional(
    v.array(
      v.picklist([
        'OTHER',
        'DOCUMENTATION',
        'IMAGE',
        'VIDEO',
        'ARCHIVE',
        'SPDX',
        'APPLICATION',
        'SOURCE',
        'BINARY',
        'TEXT',
        'AUDIO',
      ]),
    ),
  ),
  licenseComments: optionalText,
  licenseConcluded: optionalText,
  licenseInfoInFiles: optionalTexts,
  noticeText: optionalText,
});

const pointer = v.strictObject({
  lineNumber: v.exactOptional(v.pipe(v.number(), v.integer())),
  offset: v.exactOptional(v.pipe(v.number(), v.integer())),
  reference: text,
});
const snippet = v.strictObject({
  SPDXID: spdxId,
  annotations,
  attributionTexts: optionalTexts,
  comment: optionalText,
  copyrightText: optionalText,
  licenseComments: optionalText,
  licenseConcluded: optionalText,
  licenseInfoInSnippets: optionalTexts,
  name: optionalText,
  ranges: v.pipe(
    v.array(v.strictObject({ endPointer: pointer, startPointer: pointer })),
    v.minLength(1, 'a snippet has a range'),
  ),
  snippetFromFile: text,
});

const relationshipTypes = [
  'AMENDS',
  'ANCESTOR_OF',
  'BUILD_DEPENDENCY_OF',
  'BUILD_TOOL_OF',
  'CONTAINED_BY',
  'CONTAINS',
  'COPY_OF',
  'DATA_FILE_OF',
  'DEPENDENCY_MANIFEST_OF',
  'DEPENDENCY_OF',
  'DEPENDS_ON',
  'DESCENDANT_OF',
  'DESCRIBED_BY',
  'DESCRIBES',
  'DEV_DEPENDENCY_OF',
  'DEV_TOOL_OF',
  'DISTRIBUTION_ARTIFACT',
  'DOCUMENTATION_OF',
  'DYNAMIC_LINK',
  'EXAMPLE_OF',
  'EXPANDED_FROM_ARCHIVE',
  'FILE_ADDED',
  'FILE_DELETED',
  'FILE_MODIFIED',
  'GENERATED_FROM',
  'GENERATES',
  'HAS_PREREQUISITE',
  'METAFILE_OF',
  'OPTIONAL_COMPONENT_OF',
  'OPTIONAL_DEPENDENCY_OF',
  'OTHER',
  'PACKAGE_OF',
  'PATCH_APPLIED',
  'PATCH_FOR',
  'PREREQUISITE_FOR',
  'PROVIDED_DEPENDENCY_OF',
  'REQUIREMENT_DESCRIPTION_FOR',
  'RUNTIME_DEPENDENCY_OF',
  'SPECIFICATION_FOR',
  'STATIC_LINK',
  'TEST_CASE_OF',
  'TEST_DEPENDENCY_OF',
  'TEST_OF',
  'TEST_TOOL_OF',
  'VARIANT_OF',
] as const;

const document = v.strictObject({
  $schema: optionalText,
  SPDXID: v.literal('SPDXRef-DOCUMENT', 'the document is SPDXRef-DOCUMENT'),
  annotations,
  comment: optionalText,
  creationInfo: v.strictObject({
    comment: optionalText,
    created: instant,
    creators: v.pipe(
      v.array(
        v.pipe(
          text,
          v.regex(/^(Person|Organization|Tool): ./, 'a creator is a Person:, Organization: or Tool:'),
        ),
      ),
      v.minLength(1, 'a document has a creator'),
    ),
    licenseListVersion: optionalText,
  }),
  dataLicense: v.literal('CC0-1.0', 'dataLicense is CC0-1.0'),
  documentDescribes: optionalTexts,
  documentNamespace: v.pipe(
    text,
    v.check(
      (value) => URL.canParse(value) && !value.includes('#'),
      'the namespace is an absolute URI without #',
    ),
  ),
  externalDocumentRefs: v.exactOptional(
    v.array(
      v.strictObject({
        checksum,
        externalDocumentId: v.pipe(text, v.startsWith('DocumentRef-')),
        spdxDocument: text,
      }),
    ),
  ),
  files: v.exactOptional(v.array(file)),
  hasExtractedLicensingInfos: v.exactOptional(
    v.array(
      v.strictObject({
        comment: optionalText,
        crossRefs: v.exactOptional(
          v.array(
            v.strictObject({
              isLive: v.exactOptional(v.boolean()),
              isValid: v.exactOptional(v.boolean()),
              isWayBackLink: v.exactOptional(v.boolean()),
              match: optionalText,
              order: v.exactOptional(v.pipe(v.number(), v.integer())),
              timestamp: optionalText,
              url: text,
            }),
          ),
        ),
        extractedText: text,
        licenseId: text,
        name: optionalText,
        seeAlsos: optionalTexts,
      }),
    ),
  ),
  name: text,
  packages: v.exactOptional(v.array(pkg)),
  relationships: v.exactOptional(
    v.array(
      v.strictObject({
        comment: optionalText,
        relatedSpdxElement: text,
        relationshipType: v.picklist(relationshipTypes),
        spdxElementId: text,
      }),
    ),
  ),
  revieweds: v.exactOptional(
    v.array(v.strictObject({ comment: optionalText, reviewDate: instant, reviewer: optionalText })),
  ),
  snippets: v.exactOptional(v.array(snippet)),
  spdxVersion: v.picklist(['SPDX-2.2', 'SPDX-2.3']),
});

/** @throws DocumentError unsupported-version | schema | inconsistent */
export function checkSpdx2(value: unknown): { specVersion: string; components: number } {
  const { spdxVersion } = v.parse(v.object({ spdxVersion: v.unknown() }), value);
  if (spdxVersion !== 'SPDX-2.2' && spdxVersion !== 'SPDX-2.3')
    throw new DocumentError(
      'unsupported-version',
      `${JSON.stringify(spdxVersion)} is not one of SPDX-2.2, SPDX-2.3`,
      '/spdxVersion',
    );
  const checked = checkSchema(document, value, spdxVersion);
  const { packages = [], files = [], snippets = [], relationships = [] } = checked;
  const known = new Set(['SPDXRef-DOCUMENT', 'NONE', 'NOASSERTION']);
  for (const [list, elements] of Object.entries({ packages, files, snippets }))
    for (const [index, { SPDXID }] of elements.entries()) {
      if (known.has(SPDXID))
        throw new DocumentError(
          'inconsistent',
          `the SPDXID ${SPDXID} is given twice`,
          `/${list}/${index}/SPDXID`,
        );
      known.add(SPDXID);
    }
  for (const [index, relationship] of relationships.entries())
    for (const end of ['spdxElementId', 'relatedSpdxElement'] as const)
      if (!known.has(relationship[end]) && !relationship[end].startsWith('DocumentRef-'))
        throw new DocumentError(
          'inconsistent',
          `the document has no element ${relationship[end]}`,
          `/relationships/${index}/${end}`,
        );
  return { specVersion: spdxVersion.slice('SPDX-'.length), components: packages.length };
}
