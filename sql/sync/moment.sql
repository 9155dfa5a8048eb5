-- Where this transaction stands. One row: its snapshot, and the highest event number given out.
SELECT snapshot, highest_event FROM lizsync.moment();
