"""How fast articles are read: 1,000 made articles of about 6 KB, extraction only, one core.

    python benchmarks/articles.py

Prints articles per second of CPU time. The aim is 1,000 in 20 seconds. The articles are put together from the labelled
sentences of tests/data/claims.jsonl and filler text by a seeded generator, so no two are alike.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path

from verify.claims.slots import extract
from verify.claims.text import read
from verify.claims.windows import dateline

ARTICLES = 1_000
SIZE = 6_000
AIM = 20.0
DATA = Path(__file__).parents[1] / "tests" / "data" / "claims.jsonl"
FILLER = (
    "Analysts said that sentiment had turned quickly, and that many desks were waiting for the next policy signal.",
    "Nobody at the company wanted to comment, but two people who know the matter confirmed the outline of the plan.",
    "The long calm of the autumn had ended without a clear trigger, as it often does in markets that never close.",
)


def article(chance: random.Random, sentences: list[str]) -> str:
    parts = ["# What happened on January 19, 2026"]
    while sum(map(len, parts)) < SIZE:
        some = [chance.choice(sentences), *chance.choices(FILLER, k=5)]
        chance.shuffle(some)
        parts.append(" ".join(some))
    return "\n\n".join(parts)


def main() -> None:
    chance = random.Random(20260119)
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
    sentences = [row["text"] for row in rows if row.get("tag") not in ("list", "table", "headline")]
    texts = [article(chance, sentences) for _ in range(ARTICLES)]
    published = dateline("2026-01-19T02:30Z")
    began = time.process_time()
    claims = sum(len(extract(read(text), published).claims) for text in texts)
    spent = time.process_time() - began
    size = sum(map(len, texts)) / ARTICLES
    print(f"{ARTICLES} articles of {size:,.0f} characters, {claims:,} figures: {spent:.1f} s (aim {AIM:.0f} s)")
    print(f"{ARTICLES / spent:,.0f} articles per second")


if __name__ == "__main__":
    main()
