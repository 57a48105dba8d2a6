// The last step for apps with a scheme of their own (`cursor://…`): the page that hands the answer over.
//
// A 302 to a private scheme is not enough. A browser opens another program readily only after a recent click, and silent
// single sign-on has none: the navigation may be dropped, as Chrome on Android does. And where it works, the tab stays
// where it was, on the identity provider's last page, as if nothing had happened. This page goes on by itself and says
// so; its button is the click a browser may ask for. RFC 6749 section 1.7 allows any redirection the user agent can do.
// Websites and loopback addresses get their 302 as ever.
import { documentOf } from './layout.tsx'
import { schemeOf } from './redirect.tsx'
import { shownName } from './shown.ts'

export interface Continue {
  readonly client: string
  readonly redirectUri: string
  readonly outcome: 'allowed' | 'refused'
}

// Registration refuses these long before; a page that puts an address into a link looks once more.
const NOT_AN_APP = /^(about|blob|chrome|content|data|file|filesystem|ftp|https?|intent|javascript|vbscript|view-source|wss?)$/

// A browser drops blanks in front of a scheme and line breaks within it; so does the URL parser, a regular expression not.
function leadsToAnApp(uri: string): boolean {
  return URL.canParse(uri) && !NOT_AN_APP.test(new URL(uri).protocol.slice(0, -1))
}

export function continuePage({ client, redirectUri, outcome }: Continue): string {
  if (!leadsToAnApp(redirectUri)) throw new Error('the redirect URI is not an app of this device')
  const scheme = schemeOf(redirectUri)
  const name = shownName(client, 'your application')
  const title = outcome === 'allowed' ? 'You are signed in' : 'Nothing was allowed'
  return documentOf({
    title,
    head: <meta http-equiv="refresh" content={`0;url=${redirectUri}`} />,
    children: (
      <article class="card">
        <h1>{title}</h1>
        <p class="lede">
          {outcome === 'allowed' ? 'One last step: hand the sign-in over to ' : 'Go back to '}
          <bdi>{name}</bdi>. Your browser may ask whether it may open the app.
        </p>
        <p class="actions">
          <a class="button button-primary" id="continue" href={redirectUri}>
            <span>
              Return to <bdi>{name}</bdi>
            </span>
          </a>
        </p>
        <p class="fine">
          The button opens the app on this device that is registered for <code>{scheme}:</code> links. Afterwards you can close
          this tab.
        </p>
      </article>
    ),
  })
}
