/** How a command ends when it does not succeed. */

/** 1: the answer is no. 2: there is no answer, because the command could not run. */
export type FailureCode = 1 | 2;

/** What the user is told, in one sentence that says what is wrong and what to do. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly exitCode: FailureCode;

  constructor(exitCode: FailureCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** The command's input or its surroundings do not let it run. */
export function couldNotRun(message: string, cause?: unknown): Failure {
  return new Failure(2, message, { cause });
}

/** What was asked for is refused. */
export function refused(message: string, cause?: unknown): Failure {
  return new Failure(1, message, { cause });
}

/** The message of something thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
