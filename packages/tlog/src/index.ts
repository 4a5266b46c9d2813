// C2SP transparency-log formats and Merkle proofs: strict, and safe to run in a browser.

export { decodeBase64, decodeHex, encodeBase64, encodeHex } from './base64.ts';
export {
  formatEntries,
  formatEntryBundle,
  MAX_BUNDLE_BYTES,
  MAX_ENTRY_BYTES,
  parseEntries,
  parseEntryBundle,
} from './bundle.ts';
export { equalBytes } from './bytes.ts';
export { type Checkpoint, formatCheckpoint, openCheckpoint, parseCheckpoint } from './checkpoint.ts';
export { cosign, cosignatureSigner, cosignatureTime, verifyCosignature } from './cosignature.ts';
export { verifyEd25519 } from './ed25519.ts';
export { TlogError, type TlogErrorCode } from './error.ts';
export {
  type ConsistencyClaim,
  consistencyProof,
  EMPTY_ROOT,
  Frontier,
  HASH_BYTES,
  type HashNode,
  hashLeaf,
  hashNode,
  type InclusionClaim,
  inclusionProof,
  type NodeAddress,
  type ReadNodes,
  rangeAddresses,
  rootFromInclusionProof,
  rootOfLeaves,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './merkle.ts';
export {
  computeKeyId,
  type Ed25519Key,
  ed25519NoteSigner,
  formatNote,
  formatSignatureLine,
  formatVkey,
  type KeyType,
  MAX_NOTE_BYTES,
  MAX_NOTE_SIGNATURES,
  type Note,
  type NoteSignature,
  type NoteSigner,
  type NoteVerifier,
  noteVerifier,
  type OpenedNote,
  openNote,
  parseNote,
  parseSignatureLines,
  parseVkey,
  signNote,
  type VerifiedSignature,
} from './note.ts';
export {
  type CheckpointVerdict,
  MAX_POLICY_BYTES,
  MAX_POLICY_DEFINITIONS,
  type Policy,
  type PolicyComment,
  type PolicyCosignature,
  type PolicyGroup,
  type PolicyLog,
  type PolicyWitness,
  parsePolicy,
  type QuorumMember,
  verifyCheckpoint,
} from './policy.ts';
export { formatProof, MAX_EXTRA_BYTES, parseProof, type TlogProof, verifyProof } from './proof.ts';
export {
  type BundleAddress,
  bundlesOfTree,
  formatBundlePath,
  formatTilePath,
  hashesAtLevel,
  parseBundlePath,
  parseTile,
  parseTilePath,
  type ReadTile,
  TILE_HEIGHT,
  TILE_WIDTH,
  type TileAddress,
  tileNodeReader,
  tilesOfTree,
  tileWidth,
} from './tile.ts';
