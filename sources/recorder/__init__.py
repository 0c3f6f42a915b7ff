"""`verify record`: listens to the streams that show liquidations only once, keeps every frame, and knows its gaps.

`run` drives it all: `connection` speaks each feed's protocol over `sockets`, `writing` commits frames to one SQLite
file a day (`days`), `digest` turns frames into events, `coverage` and `silence` say what was heard and what should
have been, `status` tells the operator, `compact` moves closed days to Parquet, `serving` makes the store a source.
"""
