"""A study of two arms by two seeds with a model that learns in a second."""

STUDY = """
name = "letters"
asks = "Does a smaller rate learn less?"
recipe = "small.toml"
seeds = [1, 2]
[arms.usual]
[arms.slow]
set = ["rl.learning_rate=1e-9", "cold_start.learning_rate=1e-9"]
[numbers]
minutes = "cost.minutes"
gain = "gain.trained"
[[claims]]
says = "The usual rate gains more."
number = "minutes"
more = "usual"
than = "slow"
"""
