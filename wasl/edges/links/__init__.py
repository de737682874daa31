"""The links between a centre and the gateways of hospitals: joining, the door at the centre, and the gateway's line."""
