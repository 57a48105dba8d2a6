// The processes of a benchmark: a load generator and a downstream beside the runtime, and what the runtime costs in CPU time.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Load, LoadResult } from './load.ts'
import type { Command, Read } from './stream-client.ts'

export interface LoadGenerator {
  run(load: Load): Promise<LoadResult>
  close(): void
}

export function startLoadGenerator(): LoadGenerator {
  const child = start('load.ts')
  return {
    run: async (load) => {
      child.send(load)
      const [result]: LoadResult[] = await once(child, 'message')
      if (!result) throw new Error('the load generator said nothing')
      if (result.failure !== undefined) throw new Error(`not every request was answered with 200: ${result.failure}`)
      return result
    },
    close: () => child.disconnect(),
  }
}

export interface CannedDownstream {
  readonly url: string
  close(): void
}

export async function startCannedDownstream(): Promise<CannedDownstream> {
  const child = start('canned-downstream.ts')
  const [{ address }] = await once(child, 'message')
  return { url: `http://127.0.0.1:${address.port}/mcp`, close: () => child.disconnect() }
}

export interface StreamClient {
  obey(command: Command): Promise<Read>
  close(): void
}

export function startStreamClient(): StreamClient {
  const child = start('stream-client.ts')
  return {
    obey: async (command) => {
      child.send(command)
      const [read]: Read[] = await once(child, 'message')
      if (!read) throw new Error('the stream client said nothing')
      return read
    },
    close: () => child.disconnect(),
  }
}

export interface StreamDownstream {
  readonly url: string
  /** How many streams nobody has ended yet. */
  open(): Promise<number>
  close(): void
}

export async function startStreamDownstream(): Promise<StreamDownstream> {
  const child = start('stream-downstream.ts')
  const [{ port }] = await once(child, 'message')
  return {
    url: `http://127.0.0.1:${port}/mcp`,
    open: async () => {
      child.send('open')
      const [{ open }] = await once(child, 'message')
      return open
    },
    close: () => child.disconnect(),
  }
}

function start(file: string): ChildProcess {
  return fork(join(import.meta.dirname, file), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

/** To the nanosecond, of all its threads. Undefined where there is no /proc. */
export function cpuSeconds(pid: number): number | undefined {
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    return tasks.reduce((sum, task) => sum + nanosecondsOf(`/proc/${pid}/task/${task}/schedstat`), 0) / 1e9
  } catch {
    return undefined
  }
}

/** The first of three numbers; nothing of a thread that has ended meanwhile. */
function nanosecondsOf(schedstat: string): number {
  try {
    return Number(readFileSync(schedstat, 'utf8').split(' ')[0])
  } catch {
    return 0
  }
}

/** What the process holds in memory, in KiB; undefined where there is no /proc. */
export function residentKiB(pid: number): number | undefined {
  try {
    const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return found === undefined ? undefined : Number(found)
  } catch {
    return undefined
  }
}

/** How many files the process may have open; undefined where there is no /proc. */
export function openFilesLimit(pid: number): number | undefined {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]
    return found === undefined ? undefined : Number(found)
  } catch {
    return undefined
  }
}
