// What the document's clients use of axios, on fetch: for machines that reach no npm registry.
async function request(method, url, body) {
  const options = { method, headers: {} };
  if (body !== undefined) {
    options.headers['Content-Type'] = 'application/json';
    options.body = JSON.stringify(body);
  }
  const response = await fetch(url, options);
  if (!response.ok) {
    throw new Error(`Request failed with status code ${response.status}`);
  }
  return { status: response.status, data: await response.json() };
}

module.exports = {
  get: (url) => request('GET', url),
  post: (url, body) => request('POST', url, body),
  delete: (url) => request('DELETE', url),
};
