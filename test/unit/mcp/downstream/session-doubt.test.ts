// Looking into an answer for doubts about the session takes nothing from whoever carries it on.
import { expect, test } from 'vitest'
import { judged } from '../../../../src/mcp/downstream/session-doubt.ts'

const json = { 'content-type': 'application/json' }

/** Its connection breaks after the first byte. */
function breaking(status: number, headers: Record<string, string>): Response {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new Uint8Array([0x7b])),
    pull: (controller) => controller.error(new Error('connection lost')),
  })
  return new Response(body, { status, headers })
}

test.for<[string, number, Record<string, string>]>([
  ['small, and says how long it is', 200, { ...json, 'content-length': '40' }],
  ['a refusal', 404, json],
])('an answer that breaks while it is looked at is %s: its reader meets what it broke with', async ([, status, headers]) => {
  const { answer, bytes } = await judged(breaking(status, headers), undefined)
  expect([answer.status, bytes]).toEqual([status, undefined])
  await expect(answer.text()).rejects.toThrow('connection lost')
})

test('and whoever needs nothing of it cancels it, as any other', async () => {
  const { answer } = await judged(breaking(200, { ...json, 'content-length': '40' }), undefined)
  await expect(answer.body?.cancel()).resolves.toBeUndefined()
})
