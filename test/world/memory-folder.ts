// Where tests keep what ends with them: in memory where the system has room for it, because an object's every write waits for its disk.
import { readFileSync, statfsSync } from 'node:fs'

const IN_MEMORY = '/dev/shm'
/** A container gives 64 MiB by default, which the objects of one file of tests may fill. */
const ENOUGH_BYTES = 2 ** 31

/** Undefined where there is none, where it is small, and where no program may be started from it. */
export function memoryFolder(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(IN_MEMORY)
    const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
    const [, , , options = ''] = mounts.map((line) => line.split(' ')).findLast(([, at]) => at === IN_MEMORY) ?? []
    return bavail * bsize >= ENOUGH_BYTES && !options.split(',').includes('noexec') ? IN_MEMORY : undefined
  } catch {
    return undefined
  }
}
