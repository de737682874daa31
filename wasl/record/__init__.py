"""What is shared: the electronic record, FHIR resources and every version of them."""
