// Taking access away while its owner calls without a pause, and what every one of those calls was answered.
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { callTool } from './broker-client.ts'
import type { RawHandler } from './raw-downstream.ts'

/** Says in its answer when it gave that, in milliseconds of this process. */
export const sayWhen: RawHandler = async (_req, _body, res) => {
  await sleep(Math.random() * 10)
  const text = `{"jsonrpc":"2.0","id":1,"result":{"at":${performance.now()}}}`
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': String(text.length) })
  res.end(text)
  await once(res, 'close')
}

export interface UnderLoad {
  /** Calls that were let through before. */
  readonly before: number
  /** Calls that began after it was ordered and before it had returned, and were let through. */
  readonly meanwhile: number
  /** Calls that began after the revocation had returned and were let through. */
  readonly begunAfter: number
  /** Answers the server gave after the revocation had returned, and that were passed on. */
  readonly answeredAfter: number
  /** What calls were answered that were not let through. */
  readonly refused: ReadonlySet<number>
  /** From when it was ordered until it was over, in milliseconds. */
  readonly took: number
}

/** Status 0 where the connection broke. */
async function answerTo(mcpUrl: string, accessToken: string): Promise<{ readonly status: number; readonly text: string }> {
  try {
    const answer = await callTool(mcpUrl, accessToken)
    return { status: answer.status, text: await answer.text() }
  } catch {
    return { status: 0, text: '' }
  }
}

/** `revoke` resolves when the access is said to be gone. */
export async function revokeUnderLoad(
  mcpUrl: string,
  accessToken: string,
  revoke: () => Promise<void>,
  connections = 8,
): Promise<UnderLoad> {
  const calls: { begun: number; status: number; at: number }[] = []
  const stop = new AbortController()
  const hammering = Array.from({ length: connections }, async () => {
    while (!stop.signal.aborted) {
      const begun = performance.now()
      const { status, text } = await answerTo(mcpUrl, accessToken)
      calls.push({ begun, status, at: Number(/"at":([\d.]+)/.exec(text)?.[1] ?? 0) })
      // Nobody is there for the moment: a test that kills says when that is over.
      if (status === 0) await sleep(5)
    }
  })
  // Long enough that every connection goes by what the first of them brought back.
  while (calls.length < 5 * connections) await sleep(5)
  const ordered = performance.now()
  await revoke()
  const over = performance.now()
  await sleep(100)
  stop.abort()
  await Promise.all(hammering)
  const passed = calls.filter(({ status }) => status === 200)
  return {
    before: passed.filter(({ begun }) => begun < ordered).length,
    meanwhile: passed.filter(({ begun }) => begun >= ordered && begun <= over).length,
    begunAfter: passed.filter(({ begun }) => begun > over).length,
    answeredAfter: passed.filter(({ at }) => at > over).length,
    refused: new Set(calls.filter(({ status }) => status !== 200).map(({ status }) => status)),
    took: over - ordered,
  }
}
