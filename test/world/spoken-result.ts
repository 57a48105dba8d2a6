// What a tool said, whichever client carried it here.

/** The JSON of the first text in a tool's result, in any envelope that clients put around it. */
export function saidBy(result: unknown): unknown {
  const text = /"text":("(?:\\.|[^"\\])*")/.exec(JSON.stringify(result))?.[1] ?? '""'
  return JSON.parse(JSON.parse(text))
}

/** `whoami` as the example server answers it for Alice, after it has verified the broker's signature. */
export const VERIFIED_ALICE = { verified: true, claims: { email: 'alice@example.com', name: 'Alice Archer' } }
