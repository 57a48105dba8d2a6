// The official SDK loses its connection in the middle of a call and finishes the call all the same, by itself.
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, expect, test } from 'vitest'
import { credentialsFor } from '../../world/clients.ts'
import { fixture } from '../../world/fixture.ts'
import { startWorld } from '../../world/world.ts'

const running: Client[] = []

const the = fixture(async (closing) => {
  const world = await closing(startWorld())
  const token = (await credentialsFor('alice', world.mcpUrl)).accessToken
  return { world, token }
})

afterEach(async () => {
  for (const client of running.splice(0)) await client.close()
})

/** A client whose connections can be cut; what it knows of them is what any program would. */
async function connected(): Promise<{ client: Client; cut: () => void }> {
  const client = new Client({ name: 'test', version: '1' })
  const cuts = new Set<AbortController>()
  const transport = new StreamableHTTPClientTransport(new URL(the.world.mcpUrl), {
    requestInit: { headers: { authorization: `Bearer ${the.token}` } },
    reconnectionOptions: {
      initialReconnectionDelay: 50,
      maxReconnectionDelay: 500,
      reconnectionDelayGrowFactor: 1.5,
      maxRetries: 10,
    },
    fetch: async (url, init) => {
      const cutting = new AbortController()
      const answer = await fetch(url, { ...init, signal: AbortSignal.any([cutting.signal, init?.signal ?? cutting.signal]) })
      if (answer.headers.get('content-type')?.startsWith('text/event-stream')) cuts.add(cutting)
      return answer
    },
  })
  await client.connect(transport)
  running.push(client)
  return {
    client,
    cut: () => {
      for (const cutting of cuts) cutting.abort(new TypeError('terminated'))
      cuts.clear()
    },
  }
}

async function counted(client: Client, to: number, onStep: (step: number) => void): Promise<{ steps: number[]; said: unknown }> {
  const steps: number[] = []
  const onprogress = ({ progress }: { progress: number }): void => {
    steps.push(progress)
    onStep(progress)
  }
  const result = await client.callTool({ name: 'count', arguments: { to, interval_ms: 50 } }, undefined, { onprogress })
  return { steps, said: result.content }
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

test('after its connection was cut three times, with every step in order', async () => {
  const { client, cut } = await connected()
  const { steps, said } = await counted(client, 12, (step) => [3, 6, 9].includes(step) && cut())
  expect([steps, said]).toEqual([upTo(12), [{ type: 'text', text: 'counted to 12' }]])
})

test('after the runtime was killed and came back', async () => {
  const { client } = await connected()
  let restarted: Promise<void> | undefined
  const { steps, said } = await counted(client, 20, (step) => {
    if (step === 5) restarted = the.world.killRuntime().then(async () => await the.world.restartRuntime())
  })
  await restarted
  expect([steps, said]).toEqual([upTo(20), [{ type: 'text', text: 'counted to 20' }]])
})

test('and hears on its standing stream what was announced meanwhile', async () => {
  const { client, cut } = await connected()
  let heard = 0
  client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (heard += 1))
  const isListening = () => the.world.downstream.requests.open.some(({ method, status }) => method === 'GET' && status === 200)
  await expect.poll(isListening).toBe(true)
  the.world.downstream.announce()
  await expect.poll(() => heard).toBe(1)
  cut()
  the.world.downstream.announce()
  await expect.poll(() => heard, { timeout: 5000 }).toBe(2)
  the.world.downstream.announce()
  await expect.poll(() => heard).toBe(3)
})
