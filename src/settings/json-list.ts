// Settings that are lists in JSON: read without a word about a fault but that there is one, for secrets may stand in them.
import type { z } from 'zod'

/** Of a field that is not there, "expected string, received undefined" is no sentence. */
export const MISSING_IS_SAID: z.core.ParseContext<z.core.$ZodIssue> = {
  error: ({ code, input }) => (code === 'invalid_type' && input === undefined ? 'is missing' : undefined),
}

/** Undefined where it is no JSON. */
export function jsonOf(written: string): unknown {
  try {
    return JSON.parse(written)
  } catch {
    return undefined
  }
}

/** A message of zod, to stand behind the name of a field. */
export function lower(message: string): string {
  return message.slice(0, 1).toLowerCase() + message.slice(1)
}
