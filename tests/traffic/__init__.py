"""Independent proof with simulated traffic: no code of the rig, none of the core in simulator or oracle.

    roads.py     four stop-controlled crossings, two of them on one priority road, a flyover; paths of vehicles
    drivers.py   fifty vehicles that follow each other, stop, wait for gaps, turn; 10 Hz
    truth.py     where each of them truly is at any time
    radio.py     what each of them broadcasts and what its receiver and its car tell its own unit
    unitrun.py   one vehicle as ego: its core over the whole time, as records by target and as a journal
    oracle.py    from the truth alone, in floats: what has to begin and by when; what was unnecessary
    referee.py   the oracle's demands against the records

Every day five egos of one seed are run with good receivers and four with poor ones. All twelve, and more seeds:

    ASVKIT_TRAFFIC=full pytest -n 2 tests/traffic                     # 12 egos, seeds 1..3
    ASVKIT_TRAFFIC=full ASVKIT_TRAFFIC_SEEDS=1-20 pytest -n 2 tests/traffic

`pytest -s -n 0` prints for each ego what was demanded, the latest begin and the unnecessary supports.
"""
