// What a client of 2026-07-28 does in a soak: calls that stream, and a subscription; what breaks is asked for anew.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Chance } from '../crash/chance.ts'
import { eventsIn } from '../crash/events-in.ts'
import { verdictOn } from '../crash/verdict.ts'
import { MODERN, postHeaders } from '../world/broker-client.ts'
import type { Ledger } from './ledger.ts'
import type { Life } from './life.ts'

const META = {
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'soak', version: '1.0.0' },
  'io.modelcontextprotocol/clientCapabilities': {},
}

export interface Surroundings {
  readonly mcpUrl: string
  readonly life: Life
  readonly ledger: Ledger
  readonly chance: Chance
}

/** Resolves when the life has ended. */
export async function liveModern(around: Surroundings, calls: number): Promise<void> {
  const lanes = Array.from({ length: calls }, (_, lane) => callAgainAndAgain(around, lane))
  await Promise.all([...lanes, listenAgainAndAgain(around)])
}

async function callAgainAndAgain({ life, ...around }: Surroundings, lane: number): Promise<void> {
  for (let call = 1; !life.ending.signal.aborted; call += 1) {
    const to = around.chance.between(5, 25)
    const message = { method: 'tools/call', params: { name: 'count', arguments: { to }, _meta: META } }
    await follow({ life, ...around }, `${life.name} modern call ${lane}.${call}`, message, to)
    await sleep(around.chance.between(50, 400))
  }
}

async function listenAgainAndAgain({ life, ...around }: Surroundings): Promise<void> {
  for (let time = 1; !life.ending.signal.aborted; time += 1) {
    const message = { method: 'subscriptions/listen', params: { notifications: { toolsListChanged: true }, _meta: META } }
    await follow({ life, ...around }, `${life.name} modern subscription ${time}`, message, undefined)
    await sleep(around.chance.between(50, 400))
  }
}

interface Sent {
  readonly method: string
  readonly params: { readonly _meta: object; readonly name?: string }
}

/** One stream to its end, wherever that comes from; what came of it has neither gap nor double. */
async function follow(
  { mcpUrl, life, ledger, chance }: Surroundings,
  stream: string,
  { method, params }: Sent,
  to: number | undefined,
): Promise<void> {
  const numbers: number[] = []
  let hasResult = false
  const hangUp = new AbortController()
  if (to === undefined) life.over.signal.addEventListener('abort', () => hangUp.abort())
  const leaving = chance.oneIn(4) ? AbortSignal.timeout(chance.between(50, 1_500)) : undefined
  try {
    const answer = await fetch(mcpUrl, {
      method: 'POST',
      headers: {
        ...postHeaders(life.accessToken),
        'mcp-protocol-version': MODERN,
        'mcp-method': method,
        ...(params.name !== undefined && { 'mcp-name': params.name }),
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: stream, method, params }),
      signal: leaving ? AbortSignal.any([hangUp.signal, leaving]) : hangUp.signal,
    })
    if (!answer.ok || !answer.body) return void (await answer.text())
    life.opened(stream)
    for await (const { data = '' } of eventsIn(answer.body)) {
      if (data === '') continue
      const said = JSON.parse(data)
      if ('method' in said) numbers.push(said.params.data.number)
      // Its last word to a subscription is a result of the broker's own (2026-07-28); of a call it is an error.
      if ('method' in said || ('result' in said && to !== undefined)) life.heard(stream, data)
      hasResult ||= 'result' in said
    }
  } catch {
    // We left, or the runtime was killed: in this era the client asks anew.
    if (leaving?.aborted) ledger.did('disconnects')
  } finally {
    life.closed(stream)
  }
  ledger.judge(verdictOn(numbers, hasResult && to !== undefined ? to : Math.max(0, ...numbers)), stream)
}
