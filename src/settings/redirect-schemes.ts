// Which schemes an operator may add for redirect URIs: names of native applications, never what browsers or systems act on by themselves.
import * as z from 'zod'

/** RFC 3986 section 3.1, without regard to case; people write `acme:` and `acme://` too. */
const SCHEME = /^[a-z][a-z0-9+.-]{0,62}$/

/** A code that is sent to one of these reaches the web, a script, a file, another person or a tool of the system, and no client. */
const NEVER: readonly RegExp[] = [
  // The web and what is fetched. A loopback or https address needs no setting, and no setting allows another one.
  /^(?:https?|wss?|s?ftps?|ftp-.+|gopher|feed|rss|webcal|rtsp|rtmps?|h323|dav|davs|git|git\+.+|svn|svn\+.+|magnet|ipfs|ipns|urn|oid|ni|tag|dns|coap.*|localhost)$/,
  // Script, content and files.
  /^(?:javascript|livescript|mocha|jscript|vbscript|vbs|data|blob|filesystem|file|content|jar|cid|mid|mhtml|mk|its|ms-its|res|resource|wyciwyg|srcdoc)$/,
  // Browsers' own pages and extensions, and what makes a browser open any address.
  /^(?:about|view-source|devtools|chrome|chrome-.+|edge|brave|opera|vivaldi|firefox|firefox-.+|moz|moz-.+|safari|safari-.+|microsoft-edge|microsoft-edge-.+|googlechromes?|google-chrome|opera-https?|touch-https?|x-web-search|extension|web\+.+|ext\+.+)$/,
  // Messages and calls.
  /^(?:mailto|tel|telnet|tn3270|callto|sms|smsto|mms|mmsto|sips?|xmpp|ircs?|irc6|im|facetime|facetime-.+|imap|pop|smtp|nntp|news|snews|geo|maps)$/,
  // The system: intents, shells, stores, remote logins, directories, and whatever Windows (`ms-msdt`) and Apple start.
  /^(?:intent|android|android-.+|app-settings|prefs|shell|hcp|help|ms|ms-.+|search|search-ms|x-apple.*|applescript|itms|itms-.+|itunes|market|shortcuts|workflow|ssh|sshfs|slogin|rdp|vnc|telnets|ldap|ldaps|smb|cifs|nfs|afp)$/,
]

const scheme = z.string().transform((text) => text.toLowerCase().replace(/:(?:\/\/)?$/, ''))

export const redirectSchemes = z.array(scheme).transform((names, context) => {
  const wrong = names.filter((name) => !SCHEME.test(name))
  const never = names.filter((name) => NEVER.some((reserved) => reserved.test(name)))
  if (wrong.length > 0) report(`holds ${shown(wrong)}, which is no scheme`)
  if (never.length > 0) report(`names ${shown(never)}, which can never be a client’s own`)
  return wrong.length + never.length === 0 ? names : z.NEVER

  function report(message: string): void {
    const cure =
      'name schemes that native applications have for themselves, such as acme-agent; https and loopback need no setting'
    context.addIssue({ code: 'custom', message, params: { cure } })
  }
})

function shown(names: readonly string[]): string {
  return names
    .slice(0, 10)
    .map((name) => `“${name.slice(0, 60)}”`)
    .join(', ')
}
