// A process that is killed cleans nothing up: a runtime it started has to end with it all the same.
import { spawn, type ChildProcess } from 'node:child_process'

/** A shell waits for our end of a pipe to close, and then kills the child. */
export function endWithUs(child: ChildProcess): void {
  const guard = spawn('sh', ['-c', 'cat >/dev/null; kill -9 "$0"', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  guard.once('error', () => undefined)
  guard.unref()
  child.once('exit', () => guard.kill('SIGKILL'))
}
