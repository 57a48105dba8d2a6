// What looks like a credential, and text without it: for whatever is written down.

// Anything that looks like one of our signedTokens, a bearer credential or an OAuth parameter is a leak, whoever logged it. Strangers write into
// what is logged: each alternative takes all it has begun to read, so that no part is read again for every beginning in it.
const SECRET =
  /eyJ[\w-]+(?:\.[\w.-]*)?|tok_[\w-]{20,}|Bearer\s+[\w.~+/=-]*|Basic\s+(?=[a-z+/]{0,99}\d)[a-z\d+/]{8,}={0,2}|(?<=(?:code|token|secret|state|verifier|password|passwd|passphrase|(?:api|access)[-_]?key|signature|assertion|\bsig|\bpwd)=)[^&\s"]+/gi
/** One of these is in whatever that finds: looking back at every character costs ten times as much. */
const LIKE_SECRET = /=|eyJ|tok_|Bearer\s|Basic\s/i

/** As they begin at those who give out many of them, so that they are found by programs: GitHub, GitLab, Slack, Stripe, AWS, Google and others. */
const FOREIGN =
  /\b(?:gh[oprsu]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abeoprs]-[\w-]{10,}|sk-[\w-]{20,}|[rs]k_(?:live|test)_\w{10,}|A[KS]IA[A-Z\d]{16}|ya29\.[\w-]{20,}|AIza[\w-]{30,}|npm_\w{30,}|hf_\w{20,})|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[^-]{0,9999}/g

/** The same of these. */
const LIKE_FOREIGN = /[-_][\w-]{10}|A[KS]IA|ya29\.|AIza|-----B/

/** The password in an address, as databases are told it (RFC 3986 section 3.2.1). */
const PASSWORD = /(?<=:\/\/[^\s:/?#@"]{0,200}:)[^\s/?#@"]{1,200}(?=@)/g

/** Takes out what looks like a credential. */
export function redact(text: string): string {
  const ours = LIKE_SECRET.test(text) ? text.replaceAll(SECRET, '[redacted]') : text
  const bare = ours.includes('://') && ours.includes('@') ? ours.replaceAll(PASSWORD, '[redacted]') : ours
  return LIKE_FOREIGN.test(bare) ? bare.replaceAll(FOREIGN, '[redacted]') : bare
}
