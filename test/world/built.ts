// Before the first test that runs the Worker: it is built once, and not by every process that would find it missing.
import { bundleWorker } from '../../selfhost/bundle.ts'

export async function setup(): Promise<void> {
  await bundleWorker()
}
