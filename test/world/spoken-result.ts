// What a tool said, whichever client carried it here.

/** The JSON of the first text in a tool's result, in any envelope that clients put around it. */
export function saidBy(result: unknown): unknown {
  const text = /"text":("(?:\\.|[^"\\])*")/.exec(JSON.stringify(result))?.[1] ?? '""'
  return JSON.parse(JSON.parse(text))
}

/** `whoami` as the example server answers it for Alice, after it has verified the broker's signature. */
export const VERIFIED_ALICE = { verified: true, claims: { email: 'alice@example.com', name: 'Alice Archer' } }

/** The last message of an answer, whether it came alone or at the end of a stream. */
export async function messageIn(answer: Response): Promise<unknown> {
  const text = await answer.text()
  if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) return JSON.parse(text)
  const event = text.split('\n').findLast((line) => line.startsWith('data: '))
  return JSON.parse(event?.slice('data: '.length) ?? '')
}
