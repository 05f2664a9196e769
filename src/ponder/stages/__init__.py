"""What is done to a policy, step by step: cold start, then reinforcement."""
