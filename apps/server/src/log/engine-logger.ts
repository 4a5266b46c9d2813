/** How the engine says what happens: a pino logger, or silence. */

/** The part of a pino logger that the engine uses. */
export type EngineLogger = {
  readonly info: (details: object, message: string) => void;
  readonly warn: (details: object, message: string) => void;
  readonly error: (details: object, message: string) => void;
};

export const silent: EngineLogger = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
