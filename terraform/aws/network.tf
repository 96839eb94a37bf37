data "aws_availability_zones" "here" {
  # checkov:skip=CKV_AWS_394: the first two are taken; a new zone comes behind them
  state = "available"
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

resource "aws_vpc" "platform" {
  # checkov:skip=CKV2_AWS_11: nothing can connect to a job, and a job to few ports; flow logs would cost more than jobs
  cidr_block           = var.cidr
  enable_dns_support   = true
  enable_dns_hostnames = true
  tags                 = { Name = var.name }
}

# AWS makes it, open among its members; adopted with no rule at all.
resource "aws_default_security_group" "closed" {
  vpc_id = aws_vpc.platform.id
}

resource "aws_subnet" "private" {
  count             = 2
  vpc_id            = aws_vpc.platform.id
  cidr_block        = cidrsubnet(var.cidr, 4, count.index)
  availability_zone = data.aws_availability_zones.here.names[count.index]
  tags              = { Name = "${var.name}-private-${count.index}" }
}

resource "aws_route_table" "private" {
  vpc_id = aws_vpc.platform.id
  tags   = { Name = "${var.name}-private" }
}

resource "aws_route_table_association" "private" {
  count          = 2
  subnet_id      = aws_subnet.private[count.index].id
  route_table_id = aws_route_table.private.id
}

# Deliveries and lake: inside AWS, and free.
resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.platform.id
  service_name      = "com.amazonaws.${var.region}.s3"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = [aws_route_table.private.id]
  tags              = { Name = "${var.name}-s3" }
}

# One NAT for both zones: should its zone fail, jobs fail and are repeated; two would cost twice.

resource "aws_subnet" "public" {
  count             = var.nat ? 1 : 0
  vpc_id            = aws_vpc.platform.id
  cidr_block        = cidrsubnet(var.cidr, 4, 15)
  availability_zone = data.aws_availability_zones.here.names[0]
  tags              = { Name = "${var.name}-public" }
}

resource "aws_internet_gateway" "out" {
  count  = var.nat ? 1 : 0
  vpc_id = aws_vpc.platform.id
  tags   = { Name = var.name }
}

resource "aws_route_table" "public" {
  count  = var.nat ? 1 : 0
  vpc_id = aws_vpc.platform.id
  tags   = { Name = "${var.name}-public" }
}

resource "aws_route" "out" {
  count                  = var.nat ? 1 : 0
  route_table_id         = aws_route_table.public[0].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.out[0].id
}

resource "aws_route_table_association" "public" {
  count          = var.nat ? 1 : 0
  subnet_id      = aws_subnet.public[0].id
  route_table_id = aws_route_table.public[0].id
}

resource "aws_eip" "nat" {
  count  = var.nat ? 1 : 0
  domain = "vpc"
  tags   = { Name = "${var.name}-nat" }
}

resource "aws_nat_gateway" "out" {
  count         = var.nat ? 1 : 0
  allocation_id = aws_eip.nat[0].id
  subnet_id     = aws_subnet.public[0].id
  tags          = { Name = var.name }
  depends_on    = [aws_route.out]
}

resource "aws_route" "nat" {
  count                  = var.nat ? 1 : 0
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.out[0].id
}

# Nobody connects to a job; a job connects to S3 and, where there is a NAT, to the ports named.
resource "aws_security_group" "jobs" {
  # checkov:skip=CKV2_AWS_5: attached to the application in spark.tf, which this check does not know
  name        = "${var.name}-jobs"
  description = "Spark jobs on EMR Serverless"
  vpc_id      = aws_vpc.platform.id
  tags        = { Name = "${var.name}-jobs" }
}

resource "aws_vpc_security_group_egress_rule" "s3" {
  security_group_id = aws_security_group.jobs.id
  description       = "S3"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = aws_vpc_endpoint.s3.prefix_list_id
}

resource "aws_vpc_security_group_egress_rule" "out" {
  for_each          = var.nat ? toset([for port in var.egress_ports : tostring(port)]) : toset([])
  security_group_id = aws_security_group.jobs.id
  description       = "services outside"
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
  cidr_ipv4         = "0.0.0.0/0"
}
