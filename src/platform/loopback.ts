// What counts as this computer in a URL: RFC 6761 gives it `localhost` and every name below, RFC 1122 all of 127.0.0.0/8, RFC 4291 ::1.
// One rule for whatever the broker reads or asks. A registered redirect URI is compared more strictly: see clients/redirect-uri.ts.

/** The parser of URLs has written the host in lower case and every IPv4 address with four numbers by now, however it was spelled. */
export function isLoopback(url: URL | null): boolean {
  return url !== null && /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
}
