// Hands a SARIF file to GitHub's code scanning. Plain Node, which every runner has. The verdict of the scan does not depend on it: a pull request
// from a fork has a token that may not write, so a refusal is a warning.
import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const {
  GITHUB_API_URL,
  GITHUB_REPOSITORY,
  GITHUB_SHA,
  GITHUB_REF,
  SARIF_FILE = '',
  GITHUB_TOKEN,
} = process.env;

if (!existsSync(SARIF_FILE)) {
  process.stdout.write('::warning::There is no SARIF file to upload: the scan did not come to its end\n');
} else {
  const body = JSON.stringify({
    commit_sha: GITHUB_SHA,
    ref: GITHUB_REF,
    sarif: gzipSync(readFileSync(SARIF_FILE)).toString('base64'),
    tool_name: 'Sallyport',
  });
  let said;
  try {
    const response = await fetch(`${GITHUB_API_URL}/repos/${GITHUB_REPOSITORY}/code-scanning/sarifs`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${GITHUB_TOKEN}`,
        accept: 'application/vnd.github+json',
        'content-type': 'application/json',
        'user-agent': 'sallyport',
      },
      body,
      redirect: 'error',
      signal: AbortSignal.timeout(60_000),
    });
    said = response.ok ? undefined : `status ${response.status}`;
  } catch (error) {
    said = error instanceof Error ? error.name : 'no answer';
  }
  process.stdout.write(
    said === undefined
      ? 'code scanning has the report\n'
      : `::warning::Code scanning did not take the report (${said}); the job needs the permission security-events: write\n`,
  );
}
