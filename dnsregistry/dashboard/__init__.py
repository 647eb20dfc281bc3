"""The page at `/`: plain files that ask the HTTP API, as any other program would.

assets/main.js ─ views/ ─ catalogue.js, live.js, sampling.js ─ api.js; assets/vendor/ is of others.
"""
