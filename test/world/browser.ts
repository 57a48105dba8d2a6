// A browser made of fetch: keeps cookies, follows redirects, submits forms, and walks a sign-in from the client's link to its redirect URI.
import { formsOf, linkIn, type Form } from './html-forms.ts'
import type { PersonKey } from './people.ts'

export interface Page {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly forms: readonly Form[]
  /** True when a redirect pointed at `stopAt`: `url` is that address and it was not requested. */
  readonly stopped: boolean
}

export interface BrowserOptions {
  /** A redirect to an address that starts like this is returned, not followed. */
  readonly stopAt?: string
}

export type Fields = Readonly<Record<string, string | readonly string[]>>

const MOST_REDIRECTS = 15
/** Name and value; browsers ignore what is larger (RFC 6265bis section 5.7). */
const LARGEST_COOKIE = 4_096

export class Browser {
  /** By origin, port included: more separate than a real browser, where ports of one host share cookies. */
  readonly #cookies = new Map<string, Map<string, { value: string; path: string }>>()
  #shown: Page | undefined

  async get(
    url: string,
    { stopAt, headers }: BrowserOptions & { headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Page> {
    return await this.#visit(url, { headers: { ...headers } }, stopAt)
  }

  /** Submits as a click on a button would: the form's own fields, replaced and completed by `fields`. */
  async submit(form: Form, fields: Fields = {}, { stopAt }: BrowserOptions = {}): Promise<Page> {
    const body = new URLSearchParams(
      form.fields.filter(([name]) => !Object.hasOwn(fields, name)).map(([name, value]) => [name, value]),
    )
    for (const [name, values] of Object.entries(fields)) for (const value of [values].flat()) body.append(name, value)
    if (form.method === 'GET') return await this.#visit(`${form.action.split('?')[0]}?${body.toString()}`, {}, stopAt)
    return await this.#visit(form.action, { method: 'POST', body, headers: this.#provenance(form.action) }, stopAt)
  }

  cookie(origin: string, name: string): string | undefined {
    return this.#cookies.get(origin)?.get(name)?.value
  }

  forgetCookies(origin?: string): void {
    if (origin === undefined) this.#cookies.clear()
    else this.#cookies.delete(origin)
  }

  /** What this browser would send as `Cookie` to the address. */
  cookiesFor(url: string): string {
    const { origin, pathname } = new URL(url)
    const matching = [...(this.#cookies.get(origin) ?? [])].filter(([, { path }]) => isWithin(pathname, path))
    return matching.map(([name, { value }]) => `${name}=${value}`).join('; ')
  }

  async #visit(start: string, first: RequestInit, stopAt: string | undefined): Promise<Page> {
    let url = start
    let init = first
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
      const headers = new Headers({
        accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
        ...Object.fromEntries(new Headers(init.headers)),
      })
      const cookies = this.cookiesFor(url)
      if (cookies) headers.set('cookie', cookies)
      const response = await fetch(url, { ...init, headers, redirect: 'manual' })
      this.#keepCookies(url, response)
      const location = response.headers.get('location')
      if (response.status < 300 || response.status > 399 || location === null) {
        const text = await response.text()
        this.#shown = { url, status: response.status, headers: response.headers, text, forms: formsOf(text, url), stopped: false }
        return this.#shown
      }
      await response.body?.cancel()
      const next = new URL(location, url).href
      if (stopAt !== undefined && next.startsWith(stopAt)) {
        return { url: next, status: response.status, headers: response.headers, text: '', forms: [], stopped: true }
      }
      // 307 and 308 repeat the request; every other redirect becomes a GET.
      init = response.status === 307 || response.status === 308 ? init : {}
      url = next
    }
    throw new Error(`more than ${MOST_REDIRECTS} redirects from ${start}; the last was to ${url}`)
  }

  /** What a browser says about where a form was: with `no-referrer` pages it keeps even the origin to itself. */
  #provenance(action: string): Record<string, string> {
    const target = new URL(action).origin
    const from = this.#shown ? new URL(this.#shown.url).origin : 'null'
    const isSilent = this.#shown?.headers.get('referrer-policy') === 'no-referrer'
    return { origin: isSilent ? 'null' : from, 'sec-fetch-site': from === target ? 'same-origin' : 'cross-site' }
  }

  #keepCookies(url: string, response: Response): void {
    const { origin, pathname } = new URL(url)
    const jar = this.#cookies.get(origin) ?? new Map()
    this.#cookies.set(origin, jar)
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
      const [name = '', ...value] = pair.split('=')
      if (pair.length > LARGEST_COOKIE) continue
      const attribute = (named: string): string | undefined =>
        attributes.find((text) => text.toLowerCase().startsWith(`${named}=`))?.slice(named.length + 1)
      const maxAge = attribute('max-age')
      const expires = attribute('expires')
      const isGone = maxAge === undefined ? expires !== undefined && Date.parse(expires) <= Date.now() : Number(maxAge) <= 0
      if (isGone) jar.delete(name)
      else jar.set(name, { value: value.join('='), path: attribute('path') ?? pathname.slice(0, pathname.lastIndexOf('/') + 1) })
    }
  }
}

export interface SignInOptions extends BrowserOptions {
  readonly browser?: Browser
  /** The person's answer on the broker's consent page. */
  readonly decision?: 'allow' | 'deny'
}

/** Opens the client's link, answers the broker's consent page, signs in at the identity provider; returns where the client is called back. */
export async function signInAs(person: PersonKey, authorizeUrl: string, options: SignInOptions = {}): Promise<URL> {
  const { browser = new Browser(), decision = 'allow' } = options
  const stopAt = options.stopAt ?? new URL(authorizeUrl).searchParams.get('redirect_uri') ?? undefined
  let page = await browser.get(authorizeUrl, { ...(stopAt && { stopAt }) })
  for (let step = 0; step < 5 && !page.stopped; step += 1) {
    // An app with a scheme of its own is opened by a page, not by a redirect.
    const onward = linkIn(page.text, 'continue')
    if (onward !== undefined) return new URL(onward)
    const consent = page.forms.find(({ id }) => id === 'consent')
    const signIn = page.forms.find(({ id }) => id === 'sign-in')
    const form = consent ?? signIn
    if (!form) throw new Error(`no form to go on with at ${page.url} (${page.status}): ${wordsOf(page.text)}`)
    page = await browser.submit(form, consent ? { decision } : { person }, { ...(stopAt && { stopAt }) })
  }
  return new URL(page.url)
}

function isWithin(pathname: string, path: string): boolean {
  return pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
}

function wordsOf(html: string): string {
  return html
    .replace(/<(style|svg|head)\b[\s\S]*?<\/\1>|<[^>]*>/gi, ' ')
    .replace(/\s+/g, ' ')
    .slice(0, 500)
}
