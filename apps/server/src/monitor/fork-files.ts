/** The storage port of proven forks: each evidence file lies by itself, so that it outlives whatever else this centre knows. */
export interface KeptEvidence {
  /** 32 hex digits: the fork that it proves. */
  readonly id: string;
  readonly bytes: Uint8Array;
  /** When it was stored, milliseconds since 1970. */
  readonly savedAtMs: number;
}

export interface ForkFiles {
  /** Every file that is named as one of these, whatever it holds. */
  all(): Promise<readonly KeptEvidence[]>;
  /** All or nothing, and durable when it resolves. */
  save(id: string, bytes: Uint8Array): Promise<void>;
}
