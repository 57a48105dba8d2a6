// The router's end of a leash when its object falls silent in the middle of ending a stream.
import { expect, onTestFinished, test, vi } from 'vitest'
import { openLeash } from '../../../../src/mcp/router/leash.ts'
import { StreamMeter } from '../../../../src/session/contract/stream-traffic.ts'
import { socketPair } from '../socket-pair.ts'

test('an object that says why and is cut off before it closes keeps no stream open: it ends a second later', async () => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const [theirs, object] = socketPair()
  const post = { fetch: async () => Object.assign(new Response(), { webSocket: theirs }) }
  const stream = { streamId: 's', grantId: 'g', kind: 'request', label: 'tools/call', openedAt: 0 } as const
  const leash = await openLeash(post, stream, new StreamMeter())
  if (typeof leash === 'string') throw new Error(leash)
  const heard: string[] = []
  leash.pulled.carriedBy({
    stop: (reason) => heard.push(reason),
    end: () => {
      heard.push('end')
      leash.release('ended')
    },
  })
  object.send('credential_revoked')
  await vi.advanceTimersByTimeAsync(900)
  expect(heard).toEqual(['credential_revoked'])
  await vi.advanceTimersByTimeAsync(200)
  expect([heard, object.closed]).toEqual([['credential_revoked', 'end'], { code: 1000, reason: 'ended' }])
})
