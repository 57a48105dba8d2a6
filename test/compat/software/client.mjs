// What every client is asked to do, printed as one line of JSON: `node client-NAME.mjs '{"url":…}'`.
import { setTimeout as sleep } from 'node:timers/promises'

const PARALLEL = 10
const STEP_WITHIN_MS = 20_000

/** `{ url, headers, tool, args, says, counts, parallel }` */
export const task = JSON.parse(process.argv[2] ?? '{}')

/** `connect` answers with `{ list, call, close }`: names of tools, and the text of an answer. */
export async function run(connect) {
  const steps = {}
  const step = async (name, doing) => {
    try {
      const fault = await within(doing())
      steps[name] = typeof fault === 'string' ? fault : 'ok'
    } catch (error) {
      steps[name] = `${error?.name ?? 'Error'}: ${error?.message ?? error}`.slice(0, 300)
    }
    return steps[name] === 'ok'
  }
  let client
  await step('connect', async () => void (client = await connect()))
  if (client) {
    const echoes = async () => {
      const text = await client.call(task.tool, task.args)
      return text.includes(task.says) ? undefined : `said ${text.slice(0, 200)}`
    }
    await step('list', async () => ((await client.list()).includes(task.tool) ? undefined : 'the tool is not in the list'))
    await step('call', echoes)
    if (task.parallel)
      await step('parallel', async () =>
        (await Promise.all(Array.from({ length: PARALLEL }, echoes))).find((fault) => fault !== undefined),
      )
    // Long enough for a standing stream that fails to have come back once or twice.
    await sleep(2_500)
    await step('later', echoes)
    if (task.counts)
      await step('session', async () => {
        const counts = []
        for (const pause of [0, 0, 1_200]) {
          await sleep(pause)
          counts.push(await client.call('counter', {}))
        }
        return counts.join() === '1,2,3' ? undefined : `counted ${counts.join()}`
      })
    await step('close', async () => void (await client.close()))
  }
  console.log(`RESULT ${JSON.stringify(steps)}`)
  process.exit(0)
}

export function textOf({ content = [] }) {
  return content.map(({ text = '' }) => text).join('\n')
}

async function within(doing) {
  const timer = new AbortController()
  try {
    const late = sleep(STEP_WITHIN_MS, 'nothing for 20 seconds', { signal: timer.signal })
    return await Promise.race([doing, late])
  } finally {
    timer.abort()
  }
}
