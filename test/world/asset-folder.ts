// The files of pages from the folder they lie in, where no runtime has them.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AssetStore } from '../../src/pages/assets.ts'
import { ROOT } from '../../selfhost/bundle.ts'

export const ASSET_FOLDER: string = join(ROOT, 'src/assets')

export const assetFolder: AssetStore = {
  fetch: async (asked) => {
    const name = new URL(asked instanceof Request ? asked.url : asked).pathname.slice(1)
    const body = await readFile(join(ASSET_FOLDER, name), 'utf8').catch(() => undefined)
    return new Response(body ?? null, { status: body === undefined ? 404 : 200, headers: { ETag: '"one"' } })
  },
}
