"""What a machine needs before the first night: checks, jars, kernels."""
