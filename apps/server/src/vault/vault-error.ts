/** What went wrong in the vault, as a closed set: the HTTP layer maps each code to a problem document. */
export type VaultErrorCode =
  /** No object with this digest is stored. */
  | 'missing'
  /** The object was ended by a logged disposal; it can be neither read nor stored again. */
  | 'disposed'
  /** Stored bytes do not decrypt, or do not hash to the digest asked for. */
  | 'corrupt'
  /** The bytes given do not have the digest that was claimed for them; nothing was stored. */
  | 'digest-mismatch'
  /** The bytes given do not have the size that was claimed for them; nothing was stored. */
  | 'size-mismatch'
  /** The object is larger than the reader allowed. */
  | 'too-large'
  /** The range asked for lies outside the object. */
  | 'range-not-satisfiable'
  /** An append does not start where the upload stands; `offsetBytes` says where that is. */
  | 'offset-mismatch'
  /** No such upload is open; open it (again). */
  | 'no-upload'
  /** Another append to the same upload is under way. */
  | 'upload-busy'
  /** Too many uploads are unfinished. */
  | 'too-many-uploads'
  /** The disk is full; nothing was half-written, and writing works again once there is space. */
  | 'disk-full'
  /** The file system failed in another way; `cause` has its error. */
  | 'io'
  /** The keys given are not those of this vault. */
  | 'wrong-keys'
  /** A grant cannot be made to this recipient. */
  | 'wrong-recipient'
  /** The folder holds something that is not a vault of a known format. */
  | 'unsupported-format'
  /** The vault was closed. */
  | 'closed';

/** The one error of the vault. `code` is stable; `message` says what, where and what to do. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
  readonly code: VaultErrorCode;
  /** With `offset-mismatch`: the offset at which the upload goes on. */
  readonly offsetBytes: number | undefined;

  constructor(
    code: VaultErrorCode,
    message: string,
    options: { cause?: unknown; offsetBytes?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.offsetBytes = options.offsetBytes;
  }
}
