/** What accompanies a release: SBOMs and build provenance, validated with errors that say what is wrong and where. */
export { DocumentError } from './document-error.ts';
export type { DocumentErrorCode } from './document-error.ts';
export { DOCUMENT_MAX_BYTES, DOCUMENT_MAX_DEPTH } from './json-document.ts';
export { PROVENANCE_TYPE, provenanceCoverage, validateProvenance } from './provenance.ts';
export type { ProvenanceSubject, ProvenanceSummary } from './provenance.ts';
export { validateSbom } from './sbom.ts';
export type { SbomSummary } from './sbom.ts';
