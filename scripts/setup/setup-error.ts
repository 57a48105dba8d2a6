// What the set-up says when it can not go on, and with which exit code it ends.

/** Something whoever runs it can mend; says so, and nothing was written. */
export class SetupError extends Error {
  readonly exitCode: number

  constructor(message: string, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

/** As in sysexits.h. */
export const USAGE_ERROR = 64
