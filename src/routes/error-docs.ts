// Where the code of a refusal is explained: on the operator's documentation site, if they have said where it is.
import type { MiddlewareHandler } from 'hono'
import type { Settings } from '../settings/settings.ts'

export interface Documented {
  /** Of the site, without a slash at its end. */
  readonly docs?: string | undefined
}

export function docsAreAt({ docsUrl }: Pick<Settings, 'docsUrl'>): MiddlewareHandler<{ Variables: Documented }> {
  return async function docsGuard(c, next) {
    c.set('docs', docsUrl)
    return await next()
  }
}

/** The anchors of the page are the codes. */
export function docsOf({ var: { docs } }: { readonly var: Documented }, code: string): string | undefined {
  return docs === undefined ? undefined : `${docs}/reference/errors#${code}`
}
