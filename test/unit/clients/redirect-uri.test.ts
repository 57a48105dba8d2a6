// Which redirect URIs may be registered and used: the published attacks on that check, and the real clients it must let in.
import { describe, expect, test } from 'vitest'
import { acceptableRedirectUri, redirectUriIsRegistered, type RedirectUriKind } from '../../../src/clients/redirect-uri.ts'

describe('attack 3: a redirect URI can not be registered when', () => {
  test.for<[string, string]>([
    ['an address in numbers of another base', 'https://0x7f.1/cb'],
    ['an address in one number', 'https://2130706433/cb'],
    ['an address with zeros before its numbers', 'https://0177.0.0.1/cb'],
    ['it is empty', ''],
    ['it is not a URI', 'callback'],
    ['it is relative', '/callback'],
    ['it starts at the host', '//client.example/cb'],
    ['its scheme runs script', 'javascript:alert(1)'],
    ['its scheme runs script in mixed case', 'JaVaScRiPt:alert(1)'],
    ['its script looks like a path', 'javascript://client.example/%0aalert(1)'],
    ['its script is cut by a tab', 'java\tscript:alert(1)'],
    ['it starts with a space', ' javascript:alert(1)'],
    ['its scheme is data', 'data:text/html,<script>alert(1)</script>'],
    ['its scheme is vbscript', 'vbscript:msgbox(1)'],
    ['its scheme is file', 'file:///etc/passwd'],
    ['its scheme is blob', 'blob:https://client.example/0'],
    ['its scheme is about', 'about:blank'],
    ['its scheme is view-source', 'view-source:https://client.example/'],
    ['its scheme is intent', 'intent://client.example/#Intent;scheme=https;end'],
    ['its scheme is ftp', 'ftp://client.example/cb'],
    ['it is out of band', 'urn:ietf:wg:oauth:2.0:oob'],
    ['it is plain http on a foreign host', 'http://client.example/cb'],
    ['it is plain http on a private address', 'http://192.168.1.10/cb'],
    ['it is plain http on all addresses', 'http://0.0.0.0/cb'],
    ['loopback is written as a number', 'http://2130706433/cb'],
    ['loopback is another address of 127/8', 'http://127.1/cb'],
    ['loopback is written as mapped IPv6', 'http://[::ffff:127.0.0.1]/cb'],
    ['its host only starts like localhost', 'http://localhost.evil.example/cb'],
    ['its host only ends like localhost', 'http://evil-localhost/cb'],
    ['localhost is its user name', 'http://localhost@evil.example/cb'],
    ['localhost and port are its user name and password', 'http://localhost:8080@evil.example/cb'],
    ['it has a user name', 'https://user@client.example/cb'],
    ['its @ is encoded in the authority', 'https://client.example%40evil.example/cb'],
    ['its slash is encoded in the authority', 'https://client.example%2f.evil.example/cb'],
    ['its backslash ends the authority', 'https://client.example\\@evil.example/cb'],
    ['its backslash is encoded in the authority', 'http://127.0.0.1%5c@evil.example/cb'],
    ['it has a fragment', 'https://client.example/cb#token'],
    ['it has an empty fragment', 'https://client.example/cb#'],
    ['it has a wildcard host', 'https://*.client.example/cb'],
    ['it has a wildcard path', 'https://client.example/*'],
    ['it has no host', 'https:///cb'],
    ['it has no slashes', 'https:client.example/cb'],
    ['its host is not ASCII', 'https://clіent.example/cb'],
    ['its host starts with a dot', 'https://.client.example/cb'],
    ['its port is no port', 'https://client.example:99999/cb'],
    ['its loopback port is no port', 'http://127.0.0.1:99999/cb'],
    ['its loopback port is zero', 'http://127.0.0.1:0/cb'],
    ['it holds a newline', 'https://client.example/cb\r\nSet-Cookie: a=b'],
    ['it holds an encoded newline', 'https://client.example/cb%0d%0aSet-Cookie:a=b'],
    ['it holds an encoded NUL', 'https://client.example/cb%00'],
    ['it holds a broken escape', 'https://client.example/%zz'],
    ['it holds markup', 'https://client.example/"><script>'],
    ['its private scheme is one nobody knows', 'evil://callback'],
    ['its private scheme only ends like one that is known', 'evil-nightly://callback'],
    ['it is two channels of one that is known', 'cursor-next-nightly://callback'],
    ['its scheme runs a tool of the system', 'ms-msdt:/id'],
    ['its private scheme carries a user name', 'com.example.app://user@host/cb'],
    ['its private scheme has nothing behind it', 'com.example.app:'],
    ['its private scheme has an authority no parser reads', 'vscode://:'],
    ['its private scheme has a port that is none', 'vscode://vscode.mcp:99999/cb'],
    ['it is endless', `https://client.example/${'a'.repeat(2048)}`],
  ])('%s', ([, uri]) => {
    expect(acceptableRedirectUri(uri)).toBeUndefined()
  })
})

describe('a redirect URI can be registered by', () => {
  test.for<[string, string, RedirectUriKind]>([
    ['Claude', 'https://claude.ai/api/mcp/auth_callback', 'https'],
    ['Claude Code', 'http://localhost:3118/callback', 'loopback'],
    ['Claude Code without a port', 'http://localhost/callback', 'loopback'],
    ['ChatGPT', 'https://chatgpt.com/connector/oauth/abc_DEF-123', 'https'],
    ['Cursor', 'cursor://anysphere.cursor-mcp/oauth/callback', 'private-scheme'],
    ['VS Code', 'http://127.0.0.1:33418/', 'loopback'],
    ['VS Code without path', 'http://127.0.0.1:33418', 'loopback'],
    ['VS Code on the web', 'https://vscode.dev/redirect', 'https'],
    ...['antigravity', 'qoder', 'cursor-nightly', 'windsurf-next', 'positron', 'opencode', 'postman', 'obsidian'].map(
      (scheme): [string, string, RedirectUriKind] => [scheme, `${scheme}://mcp/callback`, 'private-scheme'],
    ),
    ['a host with an underscore', 'https://my_host.example/cb', 'https'],
    ['VS Code Insiders', 'vscode-insiders://vscode.mcp/callback?a=b', 'private-scheme'],
    ['MCP Inspector', 'http://localhost:6274/oauth/callback', 'loopback'],
    ['a client on IPv6 loopback', 'http://[::1]:8080/cb', 'loopback'],
    ['a client with its reverse domain', 'com.example.app:/oauth2redirect/example', 'private-scheme'],
    ['Raycast', 'raycast://oauth?package_name=Extension', 'private-scheme'],
    ['a client with a query', 'https://client.example/cb?tenant=a%20b', 'https'],
    ['a client with an internationalised host', 'https://xn--bcher-kva.example/cb', 'https'],
    ['a client on a port', 'https://client.example:8443/cb', 'https'],
  ])('%s', ([, uri, kind]) => {
    expect(acceptableRedirectUri(uri)).toBe(kind)
  })
})

describe('attack 3: the asked redirect URI is not the registered one when', () => {
  const registered = ['https://client.example/cb', 'com.example.app:/cb']
  test.for<[string, string]>([
    ['it only starts like it', 'https://client.example/cb/evil'],
    ['it starts like it and goes on in the same segment', 'https://client.example/cbevil'],
    ['it is a parent of it', 'https://client.example/'],
    ['it has a query more', 'https://client.example/cb?next=evil'],
    ['it has a fragment', 'https://client.example/cb#x'],
    ['it ends with a slash', 'https://client.example/cb/'],
    ['it has a port', 'https://client.example:8443/cb'],
    ['it names the default port', 'https://client.example:443/cb'],
    ['it is written in upper case', 'https://CLIENT.example/cb'],
    ['it has a user name', 'https://a@client.example/cb'],
    ['it takes the registered host as a prefix', 'https://client.example.evil.example/cb'],
    ['it is http', 'http://client.example/cb'],
    ['it leaves the path through dots', 'https://client.example/x/../cb'],
    ['it is encoded differently', 'https://client.example/%63b'],
    ['a newline follows', 'https://client.example/cb\n'],
    ['its private scheme has another path', 'com.example.app:/cb2'],
    ['it is empty', ''],
  ])('%s', ([, asked]) => {
    expect(redirectUriIsRegistered(asked, registered)).toBe(false)
  })

  test('nothing is registered', () => {
    expect(redirectUriIsRegistered('https://client.example/cb', [])).toBe(false)
  })
})

describe('attack 4: on loopback only the port is free', () => {
  test.for<[string, string, string, boolean]>([
    ['another port', 'http://127.0.0.1/cb', 'http://127.0.0.1:54321/cb', true],
    ['no port where one was registered', 'http://127.0.0.1:33418/cb', 'http://127.0.0.1/cb', true],
    ['another port on localhost', 'http://localhost:3118/callback', 'http://localhost:61234/callback', true],
    ['another port on IPv6', 'http://[::1]/cb', 'http://[::1]:9/cb', true],
    ['another port and the same query', 'http://localhost/cb?a=b', 'http://localhost:9/cb?a=b', true],
    ['another path', 'http://127.0.0.1/cb', 'http://127.0.0.1:54321/other', false],
    ['a longer path', 'http://127.0.0.1/cb', 'http://127.0.0.1:54321/cb/', false],
    ['no path where one was registered', 'http://127.0.0.1/', 'http://127.0.0.1:54321', false],
    ['another query', 'http://127.0.0.1/cb', 'http://127.0.0.1:54321/cb?a=b', false],
    ['another spelling of the host', 'http://127.0.0.1/cb', 'http://localhost:54321/cb', false],
    ['IPv6 for IPv4', 'http://127.0.0.1/cb', 'http://[::1]:54321/cb', false],
    ['https', 'http://127.0.0.1/cb', 'https://127.0.0.1:54321/cb', false],
    ['https registered, another port', 'https://localhost:1/cb', 'https://localhost:2/cb', false],
    ['a longer host', 'http://localhost/cb', 'http://localhost.evil/cb', false],
    ['a host behind an @', 'http://localhost/cb', 'http://localhost:80@evil.example/cb', false],
    ['a host behind a backslash', 'http://127.0.0.1/cb', 'http://127.0.0.1:80\\@evil.example/cb', false],
    ['a port that is no number', 'http://127.0.0.1/cb', 'http://127.0.0.1:8o/cb', false],
    ['a port that does not exist', 'http://127.0.0.1/cb', 'http://127.0.0.1:65536/cb', false],
    ['an empty port', 'http://127.0.0.1/cb', 'http://127.0.0.1:/cb', false],
    ['a fragment', 'http://127.0.0.1/cb', 'http://127.0.0.1:1/cb#x', false],
  ])('%s', ([, registered, asked, answer]) => {
    expect(redirectUriIsRegistered(asked, [registered])).toBe(answer)
  })
})
